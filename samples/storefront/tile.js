// Draws a picture for a product that has none: the colour and the sign of its category, a backdrop, and the
// first letter of its brand on the label. The same product always gets the same picture.

import { svg } from './dom.js';

// Signs on a 100 x 100 field, standing on y = 86. Fills: a body, b light, c dark, d accent; l is a light line.
// The last members say where the letter goes and in which tone (t on light, u on dark).
const SIGNS = {
  bottle: ['<path class="c" d="M44 13h12v9H44z"/><path class="a" d="M44 22h12v10c0 6 10 9 10 20v28a6 6 0 0 1-6 6H40a6 6 0 0 1-6-6V52c0-11 10-14 10-20z"/><path class="b" d="M34 54h32v20H34z"/>', 50, 69, 't'],
  can: ['<path class="a" d="M29 22h42v58c0 8-42 8-42 0z"/><path class="b" d="M29 38c8 4 34 4 42 0v28c-8 4-34 4-42 0z"/><ellipse class="c" cx="50" cy="22" rx="21" ry="6"/><ellipse class="d" cx="50" cy="22" rx="15" ry="3.5"/>', 50, 60, 't'],
  jar: ['<rect class="c" x="32" y="19" width="36" height="12" rx="3"/><path class="a" d="M36 33h28c6 4 8 7 8 13v32a8 8 0 0 1-8 8H36a8 8 0 0 1-8-8V46c0-6 2-9 8-13z"/><path class="b" d="M28 49h44v23H28z"/>', 50, 66, 't'],
  carton: ['<path class="b" d="M40 12h24v9H40z"/><path class="c" d="M32 36l8-16h24l8 16z"/><path class="a" d="M32 36h40v50H32z"/><path class="b" d="M32 44h40v20H32z"/><path class="d" d="M32 72c10-7 20 6 40-3v17H32z"/>', 52, 59, 't'],
  box: ['<path class="a" d="M27 27h44v59H27z"/><path class="c" d="M27 27l8-9h44l-8 9zM71 27l8-9v59l-8 9z"/><circle class="b" cx="49" cy="50" r="16"/><path class="d" d="M27 74h44v6H27z"/>', 49, 55, 't'],
  bag: ['<path class="a" d="M31 16l4 4 5-4 5 4 5-4 5 4 5-4 5 4 4-4c-3 16-3 54 1 70H30c4-16 4-54 1-70z"/><ellipse class="b" cx="50" cy="48" rx="16" ry="13"/><path class="d" d="M33 69h34l.6 8H32.4z"/>', 50, 53, 't'],
  loaf: ['<path class="c" d="M18 46c0-14 14-20 32-20s32 6 32 20c0 6-3 9-6 10v26a4 4 0 0 1-4 4H28a4 4 0 0 1-4-4V56c-3-1-6-4-6-10z"/><path class="b" d="M25 46c0-9 11-13 25-13s25 4 25 13c0 5-3 6-6 7v26H31V53c-3-1-6-2-6-7z"/>', 50, 65, 't'],
  cake: ['<path class="c" d="M28 56h44l-6 30H34z"/><path class="a" d="M24 57c-5-10 3-17 8-17 0-12 10-18 18-18s18 6 18 18c5 0 13 7 8 17z"/><circle class="d" cx="50" cy="20" r="6.5"/>', 50, 76, 'u'],
  apple: ['<path class="c" d="M48 36c0-8 2-14 8-18l3 3c-5 4-7 9-7 15z"/><path class="a" d="M50 36c6-8 28-8 28 14 0 20-14 36-22 36-3 0-4-2-6-2s-3 2-6 2c-8 0-22-16-22-36 0-22 22-22 28-14z"/><path class="d" d="M58 26c4-8 12-9 18-8-1 7-8 12-18 8z"/>', 50, 66, 'u'],
  carrot: ['<path class="d" d="M49 38c-2-9-8-15-17-17 2 9 7 15 15 18zM51 38c2-9 8-15 17-17-2 9-7 15-15 18zM46 38c-3-10-2-19 4-25 6 6 7 15 4 25z"/><path class="a" d="M36 42c8-8 20-8 28 0 4 6-5 28-14 45-9-17-18-39-14-45z"/><path class="l" d="M43 66h7M55 74h-5"/>', 50, 56, 'u'],
  leaf: ['<path class="a" d="M50 87C20 75 18 44 50 13c32 31 30 62 0 74z"/><path class="l" d="M50 86V32M50 50l-10-8M50 50l10-8M50 67l-14-11M50 67l14-11"/>'],
  cheese: ['<path class="b" d="M13 58l56-31c11 4 18 17 18 31z"/><path class="a" d="M13 58h74v28H13z"/><path class="c" d="M28 72a6 6 0 1 0 12 0 6 6 0 1 0-12 0zM70 78a5 5 0 1 0 10 0 5 5 0 1 0-10 0z"/>', 57, 76, 'u'],
  egg: ['<path class="b" d="M22 56c0-30 22-30 22 0zM39 56c0-34 22-34 22 0zM56 56c0-30 22-30 22 0z"/><path class="a" d="M15 54h70l-7 32H22z"/>', 50, 75, 'u'],
  steak: ['<path class="c" d="M18 44c4-20 30-26 46-15s24 28 12 41-20 5-28 12-26 4-29-10-3-20-1-28z"/><path class="a" d="M24 45c4-15 25-20 38-11s18 22 9 31-19 5-27 11-18 2-20-8-1-17 0-23z"/><circle class="b" cx="37" cy="48" r="6.5"/>', 56, 59, 'u'],
  fish: ['<path class="a" d="M11 52c14-24 43-26 58-5l18-13c-4 12-4 24 0 36L69 57c-15 21-44 19-58-5z"/><circle class="b" cx="28" cy="47" r="5"/><circle class="c" cx="28" cy="47" r="2.5"/><path class="l" d="M40 38c5 9 5 19 0 28"/>', 55, 57, 'u'],
  tub: ['<path class="a" d="M25 36h50l-5 46a5 5 0 0 1-5 4H35a5 5 0 0 1-5-4z"/><rect class="c" x="21" y="26" width="58" height="11" rx="4"/><path class="b" d="M26.6 48h46.8l-2.3 22H28.9z"/>', 50, 64, 't'],
  mug: ['<path class="l" d="M38 28c-5-6 5-8 0-14M54 28c-5-6 5-8 0-14"/><path class="c" d="M66 44h8a12 12 0 0 1 0 26h-9v-7h9a5 5 0 0 0 0-12h-8z"/><path class="a" d="M23 36h45v36a14 14 0 0 1-14 14H37a14 14 0 0 1-14-14z"/>', 46, 66, 'u'],
  pump: ['<path class="c" d="M36 13h18a4 4 0 0 1 4 4v6H44v-4h-8zM45 23h9v8h-9zM40 30h20v7H40z"/><path class="a" d="M36 37h28c6 3 8 7 8 13v30a6 6 0 0 1-6 6H34a6 6 0 0 1-6-6V50c0-6 2-10 8-13z"/><path class="b" d="M28 53h44v21H28z"/>', 50, 69, 't'],
  paw: ['<path class="c" d="M24 42a8 10 0 1 0 16 0 8 10 0 1 0-16 0zM60 42a8 10 0 1 0 16 0 8 10 0 1 0-16 0zM42 30a8 11 0 1 0 16 0 8 11 0 1 0-16 0z"/><path class="a" d="M50 48c12 0 24 16 24 26 0 14-14 10-24 10s-24 4-24-10c0-10 12-26 24-26z"/>', 50, 73, 'u'],
  bowl: ['<path class="l" d="M40 36c-5-6 5-8 0-14M50 36c-5-6 5-8 0-14M60 36c-5-6 5-8 0-14"/><path class="b" d="M20 48c0-10 60-10 60 0z"/><path class="a" d="M13 47h74c0 24-12 35-24 37v2H37v-2C25 82 13 71 13 47z"/>', 50, 69, 'u'],
};

// Which sign and which hue a category gets. The first line that fits wins.
const RULES = [
  [/pizza/, 'box', 25],
  [/ice cream|ice pop/, 'tub', 350],
  [/(?<!hot )\bdogs?\b|\bcat\b|\bpets?\b/, 'paw', 55],
  [/wine|liquor|\boil|vinegar/, 'bottle', 80],
  [/coffee|\bteas?\b|cocoa/, 'mug', 55],
  [/dough|bread|\bbuns?\b|\brolls?\b|bagel|bakery/, 'loaf', 65],
  [/dressing|\bjams?\b|jelly|sauce(?!d)|condiment|spice|pickle|olive|baby|syrup|honey|salsa/, 'jar', 30],
  [/soft drink|soda|cola|\bbeers?\b|\bales?\b|soup|\bbeans?\b|canned/, 'can', 25],
  [/sour cream|yogurt|margarine|butter|\bdips?\b/, 'tub', 215],
  [/\bwater|sports drink/, 'bottle', 235],
  [/milk|juice|cream\b|drink/, 'carton', 240],
  [/cheese/, 'cheese', 85],
  [/\beggs?\b/, 'egg', 70],
  [/fish|seafood|shrimp|tuna|salmon/, 'fish', 225],
  [/beef|pork|meat|bacon|sausage|\bham\b|hot dog|chicken|turkey/, 'steak', 20],
  [/cereal|cracker|(?<!salad )mix|baking|\bbars?\b(?=.*past)|wraps? & bag/, 'box', 250],
  [/cake|pastr|\bpies?\b|sweet good|donut|dessert|muffin/, 'cake', 345],
  [/tissue|towel|paper|diaper|plastic|magazine|\bcards?\b|\btoy|batter|bulb/, 'box', 265],
  [/soap|laundry|clean|detergent|bleach|sponge|\boral|general goods/, 'pump', 200],
  [/salad|lettuce|herb|spinach|greens|natural food|flower|bouquet/, 'leaf', 140],
  [/vegetable|broccoli|carrot|potato|onion|tomato|pepper|mushroom/, 'carrot', 50],
  [/fruit|apple|berr|citrus|melon|grape|banana|peach|\bpears?\b|orange/, 'apple', 25],
  [/chip|snack|candy|\bnuts?\b|popcorn|rice|flour|sugar|chocolate|cookie|charcoal/, 'bag', 40],
  [/dinner|deli|meal|noodle|pasta|mexican|sandwich/, 'bowl', 35],
  [/frozen|grocery/, 'box', 220],
];

const BACKDROPS = [
  '<circle cx="50" cy="50" r="38"/>',
  '<path d="M0 66c26-14 52 12 100-6v40H0z"/>',
  '<path d="M16 100V50a34 34 0 0 1 68 0v50z"/>',
  '<path d="M0 30L30 0h26L0 56zM0 82L82 0h18v8L8 100H0zM34 100l66-66v26l-40 40z"/>',
  '<path d="M0 58h100v42H0z"/>',
];

/** A small hash (FNV-1a), the same on every machine. */
function hash(text) {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ char.codePointAt(0), 0x01000193);
  return value >>> 0;
}

/** The rule for a product or a category path: the narrowest category speaks first, then the name. */
function ruleOf({ category = [], title = '' }) {
  for (const text of [category.at(-1) ?? '', title, category.join(' ')]) {
    const rule = RULES.find(([pattern]) => pattern.test(text.toLowerCase()));
    if (rule) return rule;
  }
  return [null, 'bag', hash(category[0] ?? title) % 360];
}

function drawn(product) {
  const [, name, hue] = ruleOf(product);
  const [shape, x, y, tone] = SIGNS[name];
  const letter = (product.brand ?? product.title ?? '').match(/\p{L}/u)?.[0].toUpperCase();
  const label = x && letter ? `<text class="${tone}" x="${x}" y="${y}">${letter}</text>` : '';
  // Neighbours of one category are cousins, not twins.
  const shift = (hash(product.category?.at(-1) ?? '') % 31) - 15 + (hash(product.id ?? '') % 45) - 22;
  return { markup: shape + label, hue: (hue + shift + 360) % 360 };
}

function finish(markup, hue, names) {
  const node = svg('0 0 100 100', markup, names);
  node.style.setProperty('--h', hue);
  return node;
}

/** The full tile: backdrop, shadow, sign. */
export function tile(product) {
  const { markup, hue } = drawn(product);
  const backdrop = BACKDROPS[hash(product.id ?? '') % BACKDROPS.length];
  const lean = (hash(`${product.id}lean`) % 9) - 4;
  return finish(
    `<rect class="g" width="100" height="100"/><g class="p">${backdrop}</g><ellipse class="s" cx="50" cy="82" rx="27" ry="3.5"/>` +
    `<g transform="translate(8 9.5) rotate(${lean} 42 72) scale(.84)">${markup}</g>`,
    hue, 'tile');
}

/** The sign alone, for the shop window and the category strip. */
export function sign(product) {
  const { markup, hue } = drawn(product);
  return finish(markup, hue, 'tile sign');
}

/** The product's picture: its own image if it has one that loads, else the tile. */
export function picture(product) {
  if (!product.image) return tile(product);
  const image = document.createElement('img');
  Object.assign(image, { src: product.image, alt: '', loading: 'lazy', decoding: 'async' });
  image.addEventListener('error', () => image.replaceWith(tile(product)));
  return image;
}
