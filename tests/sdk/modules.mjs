// Finds the SDKs where `run` installed them.

import { createRequire } from 'node:module';
import path from 'node:path';

const root = process.env.SDK_NODE;
if (!root) throw new Error('SDK_NODE is not set; start the scripts with tests/sdk/run');
export const require = createRequire(path.join(root, 'package.json'));
/** The path of a file of a package, whether or not the package exports it. */
export const file = (name) => path.join(root, 'node_modules', name);
export const wait = (ms) => new Promise((done) => setTimeout(done, ms));
