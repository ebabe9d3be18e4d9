// Copies the test programs that cargo built, so that what runs for hours is not built anew meanwhile:
// programs.mjs MESSAGES FOLDER PACKAGE:TARGET...  Each becomes FOLDER/PACKAGE:TARGET, and the folder that it runs in a link beside it.

import { copyFileSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';

const [messages, folder, ...wanted] = process.argv.slice(2);
const built = new Map();
for (const line of readFileSync(messages, 'utf8').split('\n')) {
  if (!line.includes('"compiler-artifact"')) continue;
  const { executable, manifest_path: manifest, target } = JSON.parse(line);
  if (!executable) continue;
  const home = path.dirname(manifest);
  built.set(`${path.basename(home)}:${target.kind.includes('lib') ? 'lib' : target.name}`, { executable, home });
}
for (const name of wanted) {
  const program = built.get(name);
  if (!program) throw new Error(`cargo built no ${name}`);
  copyFileSync(program.executable, path.join(folder, name));
  symlinkSync(program.home, path.join(folder, `${name}.home`));
}
