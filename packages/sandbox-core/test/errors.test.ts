import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '../src/index.js';

it('the documentation lists every error code, with its title and status, and no other', () => {
  const text = readFileSync(join(__dirname, '../../../docs/errors.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (SANDBOX\d{3}) \| (.*?) +\| (\d{3}) /gm)].map(([, code, title, status]) => [
    code,
    { title, status: Number(status) },
  ]);
  expect(Object.fromEntries(rows)).toEqual(errorCodes);
});
