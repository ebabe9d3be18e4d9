// @segment/analytics-node, as published. analytics_node.mjs PLAN HOST KEY

import { readFileSync } from 'node:fs';

import { require } from './modules.mjs';

const { Analytics } = require('@segment/analytics-node');
const [planFile, host, writeKey] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planFile));
const analytics = new Analytics({ writeKey, host });
const failed = [];
analytics.on('error', (error) => failed.push(error));

for (const call of plan.users.flatMap((u) => u.calls)) {
  const who = call.user ? { userId: call.user, ...(call.anonymous ? { anonymousId: call.anonymous } : {}) } : { anonymousId: call.anonymous };
  const when = call.daysAgo ? { timestamp: new Date(Date.now() - call.daysAgo * 86_400_000) } : {};
  const { type, event, properties, name, traits, group: groupId, previous: previousId } = call;
  if (type === 'track') analytics.track({ ...who, ...when, event, properties });
  if (type === 'page' || type === 'screen') analytics[type]({ ...who, name, properties });
  if (type === 'identify') analytics.identify({ ...who, traits });
  if (type === 'group') analytics.group({ ...who, groupId, traits });
  if (type === 'alias') analytics.alias({ userId: call.user, previousId });
}
await analytics.closeAndFlush({ timeout: 120_000 });
if (failed.length) {
  console.error(`${failed.length} events failed, the first: ${JSON.stringify(failed[0])}`);
  process.exit(1);
}
