// Every word the shop says by itself. Reasons and products come from the API.

const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

export const texts = {
  shop: 'Vitrine Market',
  logo: 'Vitrine Market, home',
  search: { label: 'Search products', placeholder: 'Search the shop', go: 'Search' },
  nav: 'Categories',

  hero: {
    eyebrow: 'The shop that arranges itself',
    title: 'Your own shop window',
    lead: 'Every shelf below is laid out for you, from what you look at, add and buy. Open three products, come back, and watch it change.',
    again: (id) => `Welcome back, customer ${id}`,
    againLead: 'Your shelves follow what you bought before and what you looked at just now.',
    pretend: 'Pretend to be a customer',
    change: 'Change customer',
    window: 'In the window',
  },

  // A heading may depend on what the answer is based on, so that it is always true.
  rows: {
    home: { history: 'Picked for you', context: 'Picked for you', other: 'A good place to start' },
    trending: { other: 'Trending now' },
    'recently-viewed': { other: 'You looked at' },
    feed: { history: 'More you may like', other: 'Have a look around' },
    'product-similar': { other: 'Similar products' },
    'product-bought-together': { other: 'Often bought together' },
    basket: { other: 'Goes well with your basket' },
    category: { history: 'Your best of this shelf', other: 'Best of this shelf' },
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
    foot: (list, position, score) => `Number ${position} in “${list}”, score ${score}`,
    model: 'Model',
    none: 'none yet',
    decision: 'Decision',
    close: 'Close',
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
    sold: 'Out of stock',
    available: 'In stock',
    details: 'Details',
    brand: 'Brand',
    category: 'Category',
    number: 'Product number',
    missing: 'We could not find this product',
    missingHint: 'It may have left the shop. These are close at hand:',
  },

  category: {
    count: (n) => plural(n, 'product'),
    all: 'Everything here',
    sub: 'Narrow down',
    rest: (n) => `${n} more`,
    none: 'This shelf is empty at the moment.',
    end: 'That is all.',
  },

  found: {
    title: (query) => `Results for “${query}”`,
    none: (query) => `Nothing found for “${query}”`,
    all: 'Everything in the shop',
    noneHint: 'Try a shorter or more general word. Until then, this is what others look at:',
  },

  basket: {
    title: 'Your basket',
    short: 'Basket',
    items: (n) => (n === 1 ? 'item' : 'items'),
    empty: 'Your basket is empty',
    emptyHint: 'Add something you like. This is a sample shop: nothing is sold and nothing is charged.',
    browse: 'Back to the shop window',
    less: (title) => `One less ${title}`,
    more: (title) => `One more ${title}`,
    remove: (title) => `Remove ${title} from basket`,
    removeShort: 'Remove',
    quantity: (title) => `Quantity of ${title}`,
    each: (price) => `${price} each`,
    subtotal: (n) => `Subtotal, ${plural(n, 'item')}`,
    saved: 'You save',
    total: 'Total',
    order: 'Place order',
    added: (title) => `${title} is in your basket.`,
    removed: (title) => `${title} was removed.`,
    show: 'Show basket',
  },

  order: {
    title: 'Thank you for your order',
    lead: (id) => `Your order number is ${id}. Nothing was charged: this is a sample shop.`,
    missing: 'This order is not known in this browser.',
    next: 'The next recommendations already know what you bought.',
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
    reset: 'Forget this visitor',
    resetHint: 'gives the browser a new anonymous id and an empty basket',
    failed: 'That did not work.',
    hello: (id) => `You are now customer ${id}.`,
    bye: 'Signed out. This browser is a new visitor now.',
    close: 'Close',
  },

  state: {
    failed: 'This could not be loaded',
    offline: 'The shop does not answer. Is it running?',
    retry: 'Try again',
    empty: 'The shop has no products yet',
    emptyHint: 'Import a product feed, then come back. For example:',
    lost: 'There is no such page',
  },

  foot: {
    about: 'A sample shop. Nothing is sold here; products and orders come from a public data set, pictures are drawn from name and category.',
    api: 'API reference',
    openapi: 'OpenAPI document',
  },
};
