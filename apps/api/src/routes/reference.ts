import { join } from 'node:path';
import type { RequestHandler, Response } from 'express';
import { Router } from 'express';
import { HttpError } from '../http/problem.js';
import { noQuery } from '../http/query.js';
import { resource } from '../http/resource.js';
import { openApiDocument } from '../openapi/document.js';
import { ownVersion, packageDir } from '../package-dir.js';

/** What the page loads comes from this server alone; its style sheet sets styles on elements, and its icons are data. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const files = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'start.js': 'text/javascript; charset=utf-8',
} as const;

/** `/openapi.json`, and a page that shows it. They hold nothing of anybody's, so that no token is asked for. */
export function referenceRoutes(): Router {
  const router = Router({ caseSensitive: true });
  const document = JSON.stringify(openApiDocument(ownVersion()));
  const sendDocument: RequestHandler = (_request, response) => {
    response.type('application/json').send(document);
  };
  resource(router, '/openapi.json', { get: [noQuery, sendDocument] });
  resource(router, '/docs', {
    get: [
      noQuery,
      (request, response) => {
        // The page's links are relative, to hold behind a proxy too: below "/docs/" they would lead nowhere.
        if (request.path.endsWith('/')) {
          response.redirect(308, '../docs');
          return;
        }
        response.set('Content-Security-Policy', pagePolicy);
        send(response, 'index.html', 'text/html; charset=utf-8');
      },
    ],
  });
  for (const [name, type] of Object.entries(files)) {
    resource(router, `/docs/${name}`, { get: [noQuery, (_request, response) => send(response, name, type)] });
  }
  return router;
}

function send(response: Response, name: string, type: string): void {
  response.set('Content-Type', type);
  response.sendFile(join(packageDir, 'dist/reference', name), { cacheControl: false }, (error: unknown) => {
    if (error !== undefined && !response.headersSent) {
      response.req.next?.(new HttpError(404, 'Not found', 'The reference page is not there: build the application.'));
    }
  });
}
