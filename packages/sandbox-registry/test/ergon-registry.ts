import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import Database from 'libsql';

/** A unit as its caller and its keeper have it; nothing of it is checked. */
type Unit = Record<string, unknown>;
interface Row {
  readonly document: string;
}

/**
 * An existing Ergon Registry, in what a client sees of it: it keeps a unit's known fields only and takes any value for them, replaces all
 * of a known unit, `created` too unless that comes again, writes times without a zone, searches names by SQL's LIKE, takes whatever has a
 * unit's id in its lineage for a dependent, the unit itself too, and answers errors as FastAPI does, with `detail` alone.
 */
export class ErgonRegistry {
  readonly #database = new Database(':memory:');
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => {
      send(response, 500, { detail: String(error) });
    });
  });
  url = '';
  /** What was asked, as `METHOD /path`. */
  readonly asked: string[] = [];
  /** The body of the last unit that was stored, as it came. */
  lastBody = '';
  /** Called before each answer, with the id of the unit if it is about one. */
  before: (asked: string, id: string) => void | Promise<void> = () => {};

  static async start(): Promise<ErgonRegistry> {
    const registry = new ErgonRegistry();
    registry.#database.exec(
      'CREATE TABLE registry (id TEXT PRIMARY KEY, type TEXT, name TEXT, created TEXT, meets INTEGER, lineage TEXT, document TEXT)',
    );
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    registry.url = `http://127.0.0.1:${(registry.#server.address() as AddressInfo).port}`;
    return registry;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    this.#database.close();
  }

  /** As it is kept. */
  kept(id: string): Unit | null {
    const row = this.#database.prepare('SELECT document FROM registry WHERE id = ?').get([id]) as Row | undefined;
    return row === undefined ? null : (JSON.parse(row.document) as Unit);
  }

  /** Its text. */
  keptText(id: string): string {
    return (this.#database.prepare('SELECT document FROM registry WHERE id = ?').get([id]) as Row).document;
  }

  put(id: string, document: string): void {
    this.#database.prepare('UPDATE registry SET document = ? WHERE id = ?').run([document, id]);
  }

  store(unit: Unit): string {
    const now = timeWithoutZone();
    const { id = randomUUID(), type = 'solution', version = '1.0.0', name = 'Unnamed', created = now } = unit;
    const { meets_standards: meets, lineage = [], source = {}, content = {}, metadata = {} } = unit;
    const fields = { id, type, version, name, created, updated: now, meets_standards: Boolean(meets) };
    const document = JSON.stringify({ ...fields, lineage, source, content, metadata });
    this.#database
      .prepare('INSERT OR REPLACE INTO registry VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run([id, type, name, created, meets ? 1 : 0, JSON.stringify(lineage), document]);
    return String(id);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', this.url);
    const asked = `${request.method ?? ''} ${pathname.replace('/api/ergon/registry', '')}`;
    this.asked.push(asked);
    if (request.method === 'POST') this.lastBody = await text(request);
    const body = (request.method === 'POST' ? JSON.parse(this.lastBody) : {}) as Unit;
    const [method, name] = asked.split(' /') as [string, string];
    await this.before(asked, typeof body.id === 'string' ? body.id : name);
    if (!pathname.startsWith('/api/ergon/registry/')) send(response, 404, { detail: 'Not Found' });
    else if (asked === 'POST /store') {
      send(response, 200, { success: true, id: this.store(body), message: 'Successfully stored unit' });
    } else if (asked === 'GET /search') this.#search(searchParams, response);
    else if (asked === 'GET /types') {
      const rows = this.#database.prepare('SELECT DISTINCT type FROM registry ORDER BY type').all([]);
      const types = (rows as { type: string }[]).map(({ type }) => type);
      send(response, 200, { success: true, types, count: types.length });
    } else if (asked === 'GET /health') {
      const count = (where: string): number => this.#database.prepare(`SELECT * FROM registry ${where}`).all([]).length;
      const statistics = { total_units: count(''), unique_types: 0, standards_compliant: count('WHERE meets = 1') };
      send(response, 200, { status: 'healthy', statistics });
    } else if (this.kept(name) === null) send(response, 404, { detail: `Unit not found: ${name}` });
    else if (method === 'GET') send(response, 200, this.keptText(name));
    else if (
      this.#database.prepare('SELECT id FROM registry WHERE lineage LIKE ?').get([`%"${name}"%`]) !== undefined
    ) {
      send(response, 409, { detail: 'Cannot delete entry with dependents' });
    } else {
      this.#database.prepare('DELETE FROM registry WHERE id = ?').run([name]);
      send(response, 200, { success: true, message: 'Successfully deleted unit' });
    }
  }

  #search(query: URLSearchParams, response: ServerResponse): void {
    const limit = Number(query.get('limit') ?? 100);
    if (!(limit >= 1 && limit <= 1000)) {
      send(response, 422, { detail: [{ loc: ['query', 'limit'], msg: 'Input should be less than or equal to 1000' }] });
      return;
    }
    const [type, name, meets] = [query.get('type'), query.get('name'), query.get('meets_standards')];
    const rows = this.#database
      .prepare(
        `SELECT document FROM registry WHERE (?1 IS NULL OR type = ?1) AND (?2 IS NULL OR name LIKE '%' || ?2 || '%')
         AND (?3 IS NULL OR meets = ?3) ORDER BY created DESC LIMIT ?4`,
      )
      .all([type, name, meets === null ? null : Number(meets === 'true'), limit]) as Row[];
    const results = rows.map(({ document }) => document).join(',');
    send(response, 200, `{"success":true,"count":${rows.length},"results":[${results}]}`);
  }
}

let last = 0;

/** As Python writes it, in microseconds; no two are the same. */
function timeWithoutZone(): string {
  last = Math.max(last + 1, Date.now() * 1000);
  return new Date(last / 1000).toISOString().replace('Z', String(last % 1000).padStart(3, '0'));
}

function send(response: ServerResponse, status: number, body: object | string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
