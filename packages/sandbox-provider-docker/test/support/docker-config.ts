import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Docker's own configuration of this process, and programs that it finds, until it is disposed. */
export class DockerConfig implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'ergon-docker-config-'));
  readonly #before = { DOCKER_CONFIG: process.env.DOCKER_CONFIG, PATH: process.env.PATH };

  constructor(config: object = {}) {
    mkdirSync(join(this.#folder, 'bin'));
    process.env.DOCKER_CONFIG = this.#folder;
    process.env.PATH = `${join(this.#folder, 'bin')}:${process.env.PATH ?? ''}`;
    this.write(JSON.stringify(config));
  }

  write(text: string): void {
    writeFileSync(join(this.#folder, 'config.json'), text);
  }

  /** @param script of sh; the server that is asked for is `$server` */
  helper(name: string, script: string): void {
    const program = `#!/bin/sh\nserver=$(cat)\n${script}\n`;
    writeFileSync(join(this.#folder, 'bin', `docker-credential-${name}`), program, { mode: 0o755 });
  }

  [Symbol.dispose](): void {
    for (const [name, value] of Object.entries(this.#before)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    rmSync(this.#folder, { recursive: true });
  }
}

/** An entry of `auths`. */
export function login({ username, password }: { username: string; password: string }): { auth: string } {
  return { auth: Buffer.from(`${username}:${password}`).toString('base64') };
}
