#!/usr/bin/env node
import { main } from './main.js';

// By itself Node would wait for what still listens, such as a terminal's stdin; what was written has gone out before.
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  process.stdout.write('', () => process.exit(code));
});
