import type { Logger } from '@ergon/sandbox-core';
import { createLogger, format, transports } from 'winston';
import type { LogLevel } from '../config/config.js';
import { currentContext } from '../http/request-context.js';

/** A logger to stdout: readable on a terminal, otherwise a JSON object a line. */
export function consoleLogger(level: LogLevel, readable: boolean): Logger {
  // When nobody reads the log any more (a closed pipe), the server goes on.
  process.stdout.on('error', () => undefined);
  return createLogger({
    level,
    format: format.combine(contextual(), readable ? readableFormat : jsonFormat),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston declares its transports as interfaces
    transports: [new transports.Console()],
  });
}

/** Adds the request's and the sandbox's id; gives names the wire's spelling and errors their text. */
const contextual = format((info) => {
  const context = currentContext();
  const { level, message, ...fields } = info;
  const ids = { request_id: context?.requestId, sandbox_id: fields.sandboxId ?? context?.sandboxId };
  for (const name of Object.keys(fields)) Reflect.deleteProperty(info, name);
  Object.assign(info, { time: new Date().toISOString(), level, message }, withoutUndefined(ids));
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'sandboxId') continue;
    info[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value instanceof Error ? value.stack : value;
  }
  return info;
});

const jsonFormat = format.printf((info) => {
  const { time, level, message, ...fields } = info;
  return JSON.stringify({ time, level, message, ...fields });
});

const readableFormat = format.printf((info) => {
  const { time, level, message, ...fields } = info;
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${plain(value)}`);
  return `${String(time).slice(11, 23)} ${level.toUpperCase().padEnd(5)} ${plain(message)}${rest.join('')}`;
});

/** Text without control characters, so that no value can forge a line or move the cursor. */
function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1));
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
