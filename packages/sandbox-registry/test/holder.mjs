// Holds the database's write lock for a while, as another process that stores something.
import { writeSync } from 'node:fs';
import Database from 'libsql';

const database = new Database(process.argv[2]);
database.exec('BEGIN IMMEDIATE');
writeSync(1, 'held');
setTimeout(() => {
  database.exec('COMMIT');
  database.close();
}, 700);
