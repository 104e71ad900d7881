import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import { z } from 'zod';
import { parseAddress } from './address.js';
import type { Endpoint, EndpointTls } from './endpoint.js';
import type { Surroundings } from './resolve.js';

const configSchema = z.looseObject({ currentContext: z.string().optional() });

// docker/cli, cli/context/store: contexts/meta/<sha256 of the name>/meta.json, contexts/tls/<the same>/docker/*.pem.
const metaSchema = z.looseObject({
  Endpoints: z.looseObject({
    docker: z.looseObject({ Host: z.string().min(1), SkipTLSVerify: z.boolean().default(false) }),
  }),
});

/** The context that Docker's configuration names, if it names one. */
export function currentContext(
  configFolder: string,
  surroundings: Surroundings,
): { name: string; source: string } | undefined {
  const file = join(configFolder, 'config.json');
  const text = surroundings.read(file);
  const name = text === undefined ? undefined : parse(configSchema, text, file).currentContext;
  return name ? { name, source: `"currentContext" in ${file}` } : undefined;
}

/** @throws SandboxError SANDBOX001 */
export function contextEndpoint(
  name: string,
  source: string,
  configFolder: string,
  surroundings: Surroundings,
): Endpoint {
  const id = createHash('sha256').update(name).digest('hex');
  const file = join(configFolder, 'contexts', 'meta', id, 'meta.json');
  const text = surroundings.read(file);
  if (text === undefined) {
    throw new SandboxError(
      'SANDBOX001',
      `${source} names the context ${JSON.stringify(name)}, which is not in ${configFolder}. "docker context ls" shows those there are.`,
    );
  }
  const { Host, SkipTLSVerify } = parse(metaSchema, text, file).Endpoints.docker;
  const subject = `The context ${JSON.stringify(name)}`;
  const folder = join(configFolder, 'contexts', 'tls', id, 'docker');
  const tls = (): EndpointTls | undefined => {
    const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((pem) => surroundings.read(join(folder, pem)));
    if (!SkipTLSVerify && ca === undefined && cert === undefined && key === undefined) return undefined;
    return { verify: !SkipTLSVerify, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  };
  return { address: parseAddress(Host, tls, subject), source: subject };
}

function parse<Output>(schema: z.ZodType<Output>, text: string, file: string): Output {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    // The words about what is no JSON quote it, and it may hold passwords.
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : 'it is no JSON';
    throw new SandboxError('SANDBOX001', `${file} is not what Docker writes there: ${reason}.`, { cause: error });
  }
}
