import { SandboxApiError, SandboxClient, SandboxConnectionError } from '@ergon/sandbox-client';
import { Failure } from './failure.js';
import { sentenceForOptions } from './limits.js';

/** Talks with a server. What it refuses, and that it cannot be reached, are Failures. */
export async function withServer<Value>(url: string, talk: (client: SandboxClient) => Promise<Value>): Promise<Value> {
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new Failure(`"${url}" is no address of a server.`, 'Give one such as http://127.0.0.1:8102 by --url.');
  }
  try {
    return await talk(new SandboxClient({ baseUrl: url }));
  } catch (error) {
    throw failureOf(error, url) ?? error;
  }
}

/** Null: it is none of a server. */
export function failureOf(error: unknown, url: string): Failure | null {
  if (error instanceof SandboxConnectionError) {
    return new Failure(
      `${url}: ${error.message}.`,
      'Start a server, or say by --url or ERGON_SANDBOX_URL where it is.',
    );
  }
  if (!(error instanceof SandboxApiError)) return null;
  const { detail, code, field, status } = error;
  const sentence = `${sentenceForOptions(detail, field)}${code === undefined ? '' : ` (${code})`}`;
  if (status === 401) return new Failure(sentence, 'Set ERGON_SANDBOX_TOKEN to the token of the server.');
  return new Failure(sentence, code === 'SANDBOX002' ? '"ergon-sandbox solutions" lists those that are there.' : null);
}
