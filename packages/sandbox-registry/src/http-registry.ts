import type { StoredSolution, TestResultRecord } from '@ergon/sandbox-core';
import { parseInput, sentenceOf, testResultToWire } from '@ergon/sandbox-core';
import type { z } from 'zod';
import type { ForeignUnit } from './http-answers.js';
import { foreignUnitField, healthAnswer, searchAnswer, storedAnswer, typesAnswer } from './http-answers.js';
import { HttpClient } from './http-client.js';
import type { HttpAnswer, HttpRequest } from './http-client.js';
import { httpOptionsSchema } from './http-options.js';
import { membersOf, objectOf } from './json-members.js';
import type { Registry, RegistryStatistics, SearchFilter, SearchResult, StoredUnit } from './registry.js';
import { recordSchema } from './rows.js';
import { maxSearchLimit, searchFilterSchema } from './search-filter.js';
import { entriesOf, mergeEntries } from './test-results.js';
import { documentOf, maxUnitBytes, maxUnitValues, unitIdSchema, unitSchema } from './unit.js';
import type { UnitInput } from './unit.js';

export interface HttpRegistryOptions {
  /** Where the server with the registry is, e.g. `http://127.0.0.1:8102`; the path `/api/ergon/registry` is added where it is missing. */
  readonly url: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string;
  /** How long a call may take, its repetitions included, in ms. @default 10000 */
  readonly timeoutMs?: number;
}

/** Of a registry that gave no answer, the end of a run asks nothing for so long, so that not each of many runs waits for it in vain. */
const restMs = 5000;
const namedDependents = 10;

const small = { maxBytes: 1024 ** 2, maxValues: 50_000 };
// Beside the unit there are its test results; a value may count twice.
const aUnit = { maxBytes: maxUnitBytes + 2 * 1024 ** 2, maxValues: 2 * maxUnitValues + 20_000 };
const units = { maxBytes: 40 * 1024 ** 2, maxValues: 1_000_000 };

/**
 * An existing Ergon Registry, or another server of ours, over HTTP. Test results are stored with the unit, in `metadata.test_results`.
 *
 * Every call throws SandboxError SANDBOX001 when the registry does not answer in time, or with something that cannot be used; only
 * what reads is tried again.
 *
 * @example
 * await using registry = new HttpRegistry({ url: 'http://registry.example.org:8102' });
 * const solution = await registry.getSolution('hello-python');
 */
export class HttpRegistry implements Registry {
  readonly #client: HttpClient;
  /** The last thing that goes on with a unit, by its id. */
  readonly #turns = new Map<string, Promise<unknown>>();

  /** Asks nothing yet. @throws SandboxError SANDBOX008 for bad options */
  constructor(options: HttpRegistryOptions) {
    this.#client = new HttpClient(parseInput(httpOptionsSchema, options));
  }

  async store(input: UnitInput): Promise<{ readonly id: string; readonly replaced: boolean }> {
    const { id, ...unit } = parseInput(unitSchema, input);
    const given = entriesOf(unit.metadata);
    documentOf(unit);
    const document = { ...unit, created: undefined, updated: undefined, test_results: undefined };
    if (id === undefined) {
      return this.#client.call(async (signal) => ({ id: await this.#post(document, signal), replaced: false }));
    }
    return this.#inTurn(id, async (signal) => {
      const known = await this.#find(id, signal);
      const entries = mergeEntries([...(known?.entries ?? []), ...given]);
      const metadata = entries.length === 0 ? unit.metadata : { ...unit.metadata, test_results: entries };
      await this.#post({ ...document, metadata, id, created: known?.created }, signal);
      return { id, replaced: known !== null };
    });
  }

  async search(filter: SearchFilter = {}): Promise<SearchResult> {
    const { type, name, meetsStandards, limit } = parseInput(searchFilterSchema, filter);
    const exactly = name?.toLowerCase() ?? '';
    const roughly = plainPart(exactly);
    // One more than asked for tells whether there are more; what is filtered here needs all there are.
    const asked = roughly === exactly ? Math.min(limit + 1, maxSearchLimit) : maxSearchLimit;
    const query = new URLSearchParams({ limit: String(asked) });
    if (type !== undefined) query.set('type', type);
    if (roughly !== '') query.set('name', roughly);
    if (meetsStandards !== undefined) query.set('meets_standards', String(meetsStandards));
    const { json } = await this.#ask({ method: 'GET', path: `/search?${query.toString()}`, ...units });
    const answer = this.#parse(searchAnswer, json);
    const found = answer.results.map(({ unit }) => unit).filter((unit) => unit.name.toLowerCase().includes(exactly));
    const more = answer.truncated ?? (asked === maxSearchLimit && answer.results.length >= maxSearchLimit);
    return { units: found.slice(0, limit), truncated: found.length > limit || more };
  }

  async types(): Promise<readonly string[]> {
    const { json } = await this.#ask({ method: 'GET', path: '/types', ...small });
    return this.#parse(typesAnswer, json).types;
  }

  async statistics(): Promise<RegistryStatistics> {
    const { json } = await this.#ask({ method: 'GET', path: '/health', ...small });
    const { statistics } = this.#parse(healthAnswer, json);
    return {
      units: statistics.units,
      byType: statistics.by_type,
      meetsStandards: statistics.meets_standards,
      testResults: statistics.test_results,
    };
  }

  async get(id: string): Promise<StoredUnit | null> {
    const found = await this.#client.call((signal) => this.#find(id, signal));
    return found === null ? null : { unit: found.unit, testResults: found.testResults };
  }

  async getSolution(id: string): Promise<StoredSolution | null> {
    const unit = (await this.get(id))?.unit;
    return unit === undefined ? null : { id: unit.id, name: unit.name, version: unit.version, content: unit.content };
  }

  async delete(id: string): Promise<'deleted' | 'unknown' | { readonly dependents: readonly string[] }> {
    if (!unitIdSchema.safeParse(id).success) return 'unknown';
    return this.#inTurn(id, async (signal) => {
      const request = { method: 'DELETE', path: pathOf(id), also: [404, 409], ...small } as const;
      const { status } = await this.#client.request(request, signal);
      if (status !== 409) return status === 404 ? 'unknown' : 'deleted';
      // Registries name them, if at all, only in a sentence.
      const path = `/search?limit=${maxSearchLimit}`;
      const { json } = await this.#client.request({ method: 'GET', path, ...units }, signal);
      const { results } = this.#parse(searchAnswer, json);
      const dependents = results.map(({ unit }) => unit).filter(({ lineage }) => lineage.includes(id));
      return {
        dependents: dependents
          .map((unit) => unit.id)
          .sort()
          .slice(0, namedDependents),
      };
    });
  }

  /**
   * Reads the unit, adds the result to the others, and stores the unit again as it was read. Results that this object is told of are added
   * one after another; what another program stores of the same unit between the reading and the storing is lost.
   */
  async recordTestResult(solutionId: string, result: TestResultRecord): Promise<void> {
    const record = parseInput(recordSchema, result);
    if (!unitIdSchema.safeParse(solutionId).success) return;
    if (this.#client.wasDownWithin(restMs)) throw this.#client.unusable('gave no answer a moment ago');
    await this.#inTurn(solutionId, async (signal) => {
      const known = await this.#find(solutionId, signal);
      if (known === null) return; // deleted meanwhile
      const entries = mergeEntries([...known.entries, testResultToWire(record)]);
      if (JSON.stringify(entries) === JSON.stringify(known.entries)) return;
      await this.#postText(solutionId, withEntries(known.text, entries), signal);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }

  #ask(request: HttpRequest): Promise<HttpAnswer> {
    return this.#client.call((signal) => this.#client.request(request, signal));
  }

  /** Null: there is no such unit. */
  async #find(id: string, signal: AbortSignal): Promise<(ForeignUnit & { readonly text: string }) | null> {
    if (!unitIdSchema.safeParse(id).success) return null;
    const request = { method: 'GET', path: pathOf(id), also: [404], ...aUnit } as const;
    const { status, text, json } = await this.#client.request(request, signal);
    if (status === 404) return null;
    const found = this.#parse(foreignUnitField, json);
    if (found.unit.id !== id)
      throw this.#client.unusable(`gave another unit (${found.unit.id}) than was asked for (${id})`);
    return { ...found, text };
  }

  /** @returns the id under which it is stored. */
  #post(unit: { readonly id?: string; readonly [field: string]: unknown }, signal: AbortSignal): Promise<string> {
    return this.#postText(unit.id, JSON.stringify(unit), signal);
  }

  async #postText(id: string | undefined, body: string, signal: AbortSignal): Promise<string> {
    const { json } = await this.#client.request({ method: 'POST', path: '/store', body, ...small }, signal);
    const stored = this.#parse(storedAnswer, json);
    if (id === undefined || id === stored.id) return stored.id;
    throw this.#client.unusable(`stored a unit under another id (${stored.id}) than it was given (${id})`);
  }

  #parse<Output>(schema: z.ZodType<Output>, json: unknown): Output {
    try {
      return parseInput(schema, json);
    } catch (error) {
      const sentence = sentenceOf(error).replace(/\.$/, '');
      throw this.#client.unusable(`gave an answer of another shape than a registry's: ${sentence}`, error);
    }
  }

  /** One thing after another with each unit. The time limit counts from now: who waits for others does not wait longer. */
  #inTurn<Value>(id: string, work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    return this.#client.call(async (signal) => {
      const before = this.#turns.get(id);
      const turn = (async () => {
        await before;
        return await work(signal);
      })();
      const over = turn.then(
        () => undefined,
        () => undefined, // told to whoever asked for it
      );
      this.#turns.set(id, over);
      try {
        return await turn;
      } finally {
        if (this.#turns.get(id) === over) this.#turns.delete(id);
      }
    });
  }
}

/** An id has no character that a path would take for anything else. */
const pathOf = (id: string): string => `/${id}`;

/** A unit's JSON with these test results, to be stored again. */
function withEntries(text: string, entries: readonly unknown[]): string {
  const unit = membersOf(text);
  const metadata = membersOf(unit.get('metadata') ?? 'null');
  metadata.set('test_results', JSON.stringify(entries));
  unit.set('metadata', objectOf(metadata));
  return objectOf(unit);
}

/**
 * The longest part of a name that every registry takes in the same way: an existing one searches by SQL's LIKE, for which `%` and `_` stand
 * for anything, and which folds the case of ASCII only.
 */
function plainPart(name: string): string {
  const parts = name.match(/[\x20-\x24\x26-\x5e\x60-\x7e]+/g) ?? [];
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}
