/** An engine refuses a command, or fails; the message is the engine's own, without `Error response from daemon: `. */
export class EngineError extends Error {
  override readonly name: string = 'EngineError';
}
