// @rudderstack/rudder-sdk-node, as published. rudder_node.mjs PLAN HOST KEY

import { readFileSync } from 'node:fs';

import { require, wait } from './modules.mjs';

const Analytics = require('@rudderstack/rudder-sdk-node');
const [planFile, dataPlaneUrl, writeKey] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planFile));
// Its log has a line for every failed request, of which there are many here.
const client = new Analytics(writeKey, { dataPlaneUrl, logLevel: 'none', errorHandler: (error) => failed.push(error) });
const failed = [];
let open = 0;
const done = (error) => {
  open -= 1;
  if (error) failed.push(error);
};

for (const call of plan.users.flatMap((u) => u.calls)) {
  const who = call.user ? { userId: call.user, ...(call.anonymous ? { anonymousId: call.anonymous } : {}) } : { anonymousId: call.anonymous };
  const when = call.daysAgo ? { timestamp: new Date(Date.now() - call.daysAgo * 86_400_000) } : {};
  const { type, event, properties, name, traits, group: groupId, previous: previousId } = call;
  open += 1;
  if (type === 'track') client.track({ ...who, ...when, event, properties }, done);
  if (type === 'page' || type === 'screen') client[type]({ ...who, name, properties }, done);
  if (type === 'identify') client.identify({ ...who, traits }, done);
  if (type === 'group') client.group({ ...who, groupId, traits }, done);
  if (type === 'alias') client.alias({ userId: call.user, previousId }, done);
}
for (const end = Date.now() + 180_000; open > 0 && Date.now() < end; await wait(20)) await client.flush();
if (open || failed.length) {
  console.error(`${open} events open, ${failed.length} failed: ${failed[0]?.message}`);
  process.exit(1);
}
process.exit(0);
