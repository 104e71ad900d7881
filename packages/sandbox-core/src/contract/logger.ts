/** The port through which libraries log. winston's logger fits, as does `console`-like code with a small wrapper. */
export interface Logger {
  error(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
}

/** Logs nothing: the default of a library whose user gave no logger. */
export const silentLogger: Logger = { error() {}, warn() {}, info() {}, debug() {} };
