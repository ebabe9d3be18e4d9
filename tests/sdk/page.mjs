// What runs inside the page: a plan's calls, told to the SDK as a shop's own script would.

/** @param {{sdk: string, key: string, host: string, calls: object[]}} story */
export async function tell({ sdk, key, host, calls }) {
  const analytics = sdk === 'analytics-next' ? window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnURL: host }) : rudder();

  function rudder() {
    const { RudderAnalytics } = window.rudderanalytics;
    const instance = new RudderAnalytics();
    instance.load(key, host, { configUrl: host, logLevel: 'NONE' });
    return instance;
  }

  const told = [];
  for (const call of calls) {
    const { type, event, properties, name, traits, user, group } = call;
    // Nobody signs in at the moment they arrive: what was done before has been sent once, or is waiting for its retry.
    if (type === 'identify') await Promise.all(told);
    if (type === 'track') told.push(analytics.track(event, properties));
    if (type === 'page') told.push(analytics.page('Shop', name, properties));
    if (type === 'screen') told.push(analytics.screen('Shop', name, properties));
    if (type === 'identify') told.push(analytics.identify(user, traits));
    if (type === 'group') told.push(analytics.group(group, traits));
  }
}
