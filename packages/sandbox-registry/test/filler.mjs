// Stores units until the disk is full, and says as JSON what it met and has kept.
import { SqliteRegistry } from '@ergon/sandbox-registry';

const registry = new SqliteRegistry(process.argv[2]);
const unit = { type: 'solution', name: 'n', version: '1', content: { code: 'x'.repeat(100_000) } };
const stored = [];
let failure;
for (let number = 0; failure === undefined && number < 1000; number += 1) {
  try {
    stored.push((await registry.store({ ...unit, id: `unit-${number}` })).id);
  } catch ({ code, message }) {
    failure = { code, message };
  }
}
const kept = (await registry.search({ limit: 1000 })).units.map(({ id }) => id).reverse();
console.log(JSON.stringify({ failure, stored, kept }));
