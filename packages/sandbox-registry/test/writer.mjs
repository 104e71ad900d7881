// Stores units and results as fast as it can, and names each on stdout once it was acknowledged.
import { writeSync } from 'node:fs';
import { SqliteRegistry } from '@ergon/sandbox-registry';

const [file, round] = process.argv.slice(2);
const registry = new SqliteRegistry(file);
const content = { code: `print("${'x'.repeat(20_000)}")` };
for (let number = 0; ; number += 1) {
  const { id } = await registry.store({ id: `${round}-${number}`, type: 'solution', name: 'n', version: '1', content });
  writeSync(1, `unit ${id}\n`);
  await registry.recordTestResult(id, {
    executionId: `run-${number}`,
    timestamp: new Date().toISOString(),
    status: 'completed',
    exitCode: 0,
    executionTimeMs: 1,
    provider: 'p',
    errors: [],
  });
  writeSync(1, `result ${id}\n`);
}
