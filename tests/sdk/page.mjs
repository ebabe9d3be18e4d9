// What runs inside the page: a plan's calls, told to the SDK as a shop's own script would.

/** @param {{sdk: string, key: string, host: string, calls: object[]}} story */
export function tell({ sdk, key, host, calls }) {
  const analytics = sdk === 'analytics-next' ? window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnURL: host }) : rudder();

  function rudder() {
    const { RudderAnalytics } = window.rudderanalytics;
    const instance = new RudderAnalytics();
    instance.load(key, host, { configUrl: host, logLevel: 'NONE' });
    return instance;
  }

  for (const call of calls) {
    const { type, event, properties, name, traits, user, group } = call;
    if (type === 'track') analytics.track(event, properties);
    if (type === 'page') analytics.page('Shop', name, properties);
    // RudderStack's browser SDK has no screens.
    if (type === 'screen' && analytics.screen) analytics.screen('Shop', name, properties);
    else if (type === 'screen') analytics.page('Shop', name, properties);
    if (type === 'identify') analytics.identify(user, traits);
    if (type === 'group') analytics.group(group, traits);
  }
}
