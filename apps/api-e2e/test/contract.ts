import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description?: string;
  readonly example?: unknown;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}
export interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

/** Checks answers against the document that the server itself gives. */
export class Contract {
  readonly document: Document;
  readonly #ajv: Ajv2020;
  readonly #templates: readonly { readonly path: string; readonly pattern: RegExp }[];

  private constructor(document: Document) {
    this.document = document;
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(this.#ajv);
    this.#ajv.addFormat('base64', /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
    this.#ajv.addSchema(document, 'document');
    this.#templates = Object.keys(document.paths)
      .map((path) => ({
        path,
        pattern: new RegExp(`^${path.replaceAll('{path}', '.+').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
      }))
      .sort((a, b) => Number(a.path.includes('{')) - Number(b.path.includes('{')));
  }

  static async of(url: string): Promise<Contract> {
    const response = await fetch(`${url}/openapi.json`);
    expect(response.status).toBe(200);
    return new Contract((await response.json()) as Document);
  }

  /** Fails unless the document tells of this answer, and its body is as it says. Paths that it does not have are 404. */
  check(method: string, url: string, answer: { status: number; type: string | null; body: unknown }): void {
    const { status, type, body } = answer;
    const path = new URL(url, 'http://localhost').pathname;
    const template = this.#templates.find(({ pattern }) => pattern.test(path))?.path;
    const operation = template === undefined ? undefined : this.document.paths[template]?.[method.toLowerCase()];
    if (template === undefined || operation === undefined) {
      if (type === 'application/problem+json' && body !== undefined)
        this.#require(`#/components/schemas/Problem`, body, `${method} ${path}`);
      return;
    }
    const key = String(status) in operation.responses ? String(status) : status >= 400 ? 'default' : undefined;
    if (key === undefined) throw new Error(`The document has no ${status} of ${method} ${template}.`);
    const content = operation.responses[key]?.content;
    const mime = type?.split(';')[0] ?? '';
    if (content === undefined) {
      if (body !== undefined) throw new Error(`The document says that ${status} of ${method} ${template} has no body.`);
      return;
    }
    if (!(mime in content)) throw new Error(`The document has no ${mime} for ${status} of ${method} ${template}.`);
    if (body === undefined) return; // read otherwise, or HEAD
    const pointer = ['paths', template, method.toLowerCase(), 'responses', key, 'content', mime, 'schema'].map(escape);
    this.#require(`#/${pointer.join('/')}`, body, `${method} ${template} → ${status}`);
  }

  /** Fails unless this is what a component of the document says, e.g. `Event`. */
  checkComponent(name: string, value: unknown): void {
    this.#require(`#/components/schemas/${name}`, value, name);
  }

  /** Each call, with the example of its JSON body, which is as the schema beside it says. */
  *operations(): Generator<{ method: string; path: string; operation: Operation; body: unknown }> {
    for (const [path, item] of Object.entries(this.document.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        const media = operation.requestBody?.content['application/json'];
        if (media !== undefined) {
          const pointer = ['paths', path, method, 'requestBody', 'content', 'application/json', 'schema'].map(escape);
          this.#require(`#/${pointer.join('/')}`, media.example, `the example of ${operation.operationId}`);
        }
        yield { method: method.toUpperCase(), path, operation, body: media?.example };
      }
    }
  }

  #require(pointer: string, value: unknown, what: string): void {
    const validate: ValidateFunction | undefined = this.#ajv.getSchema(`document${pointer}`);
    if (validate === undefined) throw new Error(`The document has no ${pointer}.`);
    if (validate(value)) return;
    const faults = this.#ajv.errorsText(validate.errors, { dataVar: 'body' });
    throw new Error(`${what} is not as the document says: ${faults}\n${JSON.stringify(value).slice(0, 2000)}`);
  }
}

function escape(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D');
}
