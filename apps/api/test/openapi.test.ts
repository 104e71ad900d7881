import type { Router } from 'express';
import type { SandboxRoutesPorts } from '../src/routes/sandbox.js';
import { openApiDocument, registryBase, sandboxBase } from '../src/openapi/document.js';
import { registryRoutes } from '../src/routes/registry.js';
import { sandboxRoutes } from '../src/routes/sandbox.js';
import { volumeRoutes } from '../src/routes/volumes.js';

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
}
const document = openApiDocument('1.2.3') as Document;

/** `GET /path/{parameter}` of every route that the router answers, but for HEAD and what refuses other methods. */
function callsOf(router: Router, base: string): string[] {
  return router.stack.flatMap(({ route }) => {
    if (route === undefined) return [];
    const path = base + route.path.replaceAll(/:(\w+)/g, '{$1}').replaceAll(/\{?\/?\*(\w+)\}?/g, '/{$1}');
    const methods = new Set(route.stack.map(({ method }) => method));
    return [...methods]
      .filter((method) => method !== undefined && method !== 'head')
      .map((method) => `${method} ${path}`);
  });
}

test('the document has every call of the server, and no other', () => {
  const nothing = {} as never; // routes are made, none is called
  const ports: SandboxRoutesPorts = {
    runner: nothing,
    factory: nothing,
    access: nothing,
    sockets: nothing,
    logger: nothing,
    dataDir: '/nowhere',
  };
  const served = [
    ...callsOf(sandboxRoutes(ports), sandboxBase),
    ...callsOf(volumeRoutes(nothing), sandboxBase),
    ...callsOf(registryRoutes(nothing, nothing), registryBase),
  ];
  const told = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  expect(told.length).toBeGreaterThan(20);
  expect(told.sort()).toEqual(served.sort());
});

test('each operation has a name of its own, which clients are made from', () => {
  const names = Object.values(document.paths).flatMap((item) =>
    Object.values(item).map(({ operationId }) => operationId),
  );
  expect(names.every((name) => /^[a-z][A-Za-z]+$/.test(name))).toBe(true);
  expect(new Set(names).size).toBe(names.length);
});
