// Every word the shop says by itself. Reasons and products come from the API.

const plural = (n, one) => `${n} ${one}${n === 1 ? '' : 's'}`;

export const texts = {
  shop: 'Vitrine Market',
  logo: 'Vitrine Market, home',
  search: { label: 'Search products', placeholder: 'Search the shop' },
  nav: 'Categories',
  inspiration: 'Inspiration',
  close: 'Close',
  language: 'Language of the reasons',

  hero: {
    eyebrow: 'The shop that arranges itself',
    title: 'Your own shop window',
    lead: 'Every shelf below is laid out for you, from what you look at, add and buy. Open three products, come back, and watch it change.',
    again: (id) => `Welcome back, customer ${id}`,
    pretend: 'Pretend to be a customer',
    window: 'In the window',
    more: 'Have a look',
  },

  // A heading may depend on what the answer is based on, so that it is always true.
  rows: {
    home: { history: 'Picked for you', context: 'Picked for you', other: 'A good place to start' },
    trending: { other: 'Trending now' },
    'recently-viewed': { other: 'You looked at' },
    feed: { history: 'More you may like', other: 'Have a look around' },
    'product-similar': { popularity: 'Popular in this shop', other: 'Similar products' },
    'product-bought-together': { other: 'Often bought together' },
    basket: { other: 'Goes well with your basket' },
    category: { history: 'Your best of this shelf', other: 'Best of this shelf' },
    rank: { history: 'Your best of these', other: 'Best of these' },
  },
  basis: {
    history: 'based on your last clicks and orders',
    context: 'based on what is on this page',
    popularity: 'based on what is popular in the shop',
    empty: 'nothing to go by yet',
  },

  why: {
    title: 'Why you see this',
    button: (title) => `Why you see ${title}`,
    foot: (list, position) => `Number ${position} in “${list}”`,
    against: 'speaks against it',
    beside: 'beside the score',
    // What was done, and when.
    done: {
      view: 'looked at', click: 'clicked', dwell: 'paused at', add: 'put into the basket', remove: 'taken out of the basket', order: 'ordered',
      refund: 'returned', wishlist_add: 'wished for', wishlist_remove: 'wished for no more', share: 'shared', review: 'reviewed',
    },
    rule: 'Rule',
    chance: (percent) => `Chance had a say: this place goes to this product in ${percent} of all draws.`,
    parts: 'The sum, for the curious',
    part: 'Part of the model',
    whole: 'the list itself',
    amount: 'Adds',
    score: 'Score',
    model: 'Model',
    none: 'none yet',
    decision: 'Decision',
    unlogged: 'not logged',
    replay: 'Make this decision again, from the log:',
    copy: 'Copy',
    copied: 'Copied.',
  },

  card: {
    add: (title) => `Add ${title} to basket`,
    sold: 'Out of stock',
    sale: 'Sale',
    was: 'Before',
  },

  product: {
    home: 'Home',
    add: 'Add to basket',
    available: 'In stock',
    number: 'number',
    missing: 'Product not found',
  },

  category: {
    count: (n) => plural(n, 'product'),
    all: 'Everything here',
    rest: (n) => `${n} more`,
    none: 'This shelf is empty at the moment.',
    end: 'That is all.',
  },

  found: {
    title: (query) => `Results for “${query}”`,
    none: (query) => `Nothing found for “${query}”. This is what others look at:`,
    all: 'Everything in the shop',
  },

  filter: {
    title: 'Filter',
    brand: 'Brand',
    price: 'Price',
    min: 'From',
    max: 'Up to',
    isBrand: (brand) => brand,
    from: (price) => `from ${price}`,
    upTo: (price) => `up to ${price}`,
    range: (min, max) => `Here from ${min} to ${max}`,
    crossed: 'The lowest price is above the highest.',
    asked: 'What is asked:',
    everything: 'everything',
    count: (n) => plural(n, 'product'),
    nothing: 'Nothing fits all of this together',
    remove: (what) => `Remove filter: ${what}`,
    clear: 'Remove all filters',
  },

  basket: {
    title: 'Your basket',
    short: 'Basket',
    empty: 'Your basket is empty. This is a sample shop: nothing is sold and nothing is charged.',
    less: (title) => `One less ${title}`,
    more: (title) => `One more ${title}`,
    remove: (title) => `Remove ${title} from basket`,
    quantity: (title) => `Quantity of ${title}`,
    each: (price) => `${price} each`,
    subtotal: (n) => `Subtotal, ${plural(n, 'item')}`,
    saved: 'You save',
    total: 'Total',
    order: 'Place order',
    added: (title) => `${title} is in your basket.`,
    show: 'Show basket',
  },

  order: {
    title: 'Thank you for your order',
    lead: (id) => `Your order number is ${id}. Nothing was charged: this is a sample shop.`,
    go: 'Back to the shop window',
  },

  account: {
    short: 'Sign in',
    as: (id) => `Customer ${id}`,
    title: 'Pretend to be a customer',
    lead: 'The sample shop knows its customers by their orders. See it through the eyes of one of them.',
    id: 'Customer id',
    some: 'Some, and what they buy a lot of:',
    likes: (id, what) => `${id}: ${what}`,
    signIn: 'Sign in',
    signOut: 'Sign out',
    you: (id) => `You are customer ${id}.`,
    anonymous: 'This browser is known as',
    reset: 'Become a new visitor',
    failed: 'That did not work.',
    hello: (id) => `You are now customer ${id}.`,
    bye: 'Signed out. This browser is a new visitor now.',
  },

  state: {
    failed: 'This could not be loaded',
    offline: 'The shop does not answer. Is it running?',
    retry: 'Try again',
    empty: 'The shop has no products yet',
    emptyHint: 'Import a product feed, then come back. For example:',
  },

  foot: {
    about: 'A sample shop. Nothing is sold here; products and orders come from a public data set, pictures are drawn from name and category.',
    api: 'API reference',
    openapi: 'OpenAPI document',
  },
};
