// Signs the vectors with the helper of every language and compares the tokens: node samples/tokens/try.mjs

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const HELPERS = [
  ['node', 'user_token.mjs', 'Node.js: https://nodejs.org'],
  ['python3', 'user_token.py', 'Python 3: apt-get install python3'],
  ['java', 'UserToken.java', 'a JDK of 17 or newer: apt-get install default-jdk-headless'],
];
const folder = new URL('.', import.meta.url);
const vectors = JSON.parse(readFileSync(new URL('vectors.json', folder), 'utf8'));

const wrong = vectors.length < 3 ? ['there are too few vectors'] : [];
for (const [program, file, needed] of HELPERS) {
  for (const { server_key, user, expiry, token } of vectors) {
    const env = { ...process.env, VITRINE_KEY: server_key, LC_ALL: 'C.UTF-8' };
    const { error, status, stdout, stderr } = spawnSync(program, [file, user, String(expiry)], { cwd: folder, env, encoding: 'utf8' });
    if (error) {
      wrong.push(`${program} cannot be run, which ${file} needs: install ${needed}`);
      break;
    }
    if (status !== 0 || stdout.trim() !== token) wrong.push(`${file} signs ${JSON.stringify(user)} otherwise: ${stdout.trim() || stderr.trim()}`);
  }
}
wrong.forEach((one) => console.error(one));
if (wrong.length) process.exit(1);
console.log(`${vectors.length} tokens, in ${HELPERS.length} languages: as they should be`);
