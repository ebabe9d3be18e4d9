// Signs a user token on the shop's own server (Node.js 18 or later, no packages).
//
//   VITRINE_KEY=vs_... node user_token.mjs USER EXPIRY     the token of a user until a time in seconds since 1970
//
// Sign it when somebody has logged in, and let the page send it as `X-Vitrine-User`. The key never leaves the server.

import { createHmac } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const hmac = (key, text) => createHmac('sha256', key).update(text, 'utf8');

/** The token of a user; `expiry` is in seconds since 1970, an hour from now unless set. */
export function userToken(serverKey, user, expiry = Math.floor(Date.now() / 1000) + 3600) {
  const keyId = hmac(serverKey, 'vitrine user token id').digest('hex').slice(0, 16);
  const secret = hmac(serverKey, 'vitrine user token key').digest();
  const signed = `v1.${keyId}.${Buffer.from(user, 'utf8').toString('base64url')}.${expiry}`;
  return `${signed}.${hmac(secret, signed).digest('base64url')}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [user, expiry] = process.argv.slice(2);
  if (!process.env.VITRINE_KEY || !user || !/^\d+$/.test(expiry ?? '')) {
    console.error('VITRINE_KEY=vs_... node user_token.mjs USER EXPIRY');
    process.exit(2);
  }
  console.log(userToken(process.env.VITRINE_KEY, user, Number(expiry)));
}
