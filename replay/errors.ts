/** What cannot be replayed as it is asked for: an unknown interface, no input, a folder that is no case. */
export class ReplayOptionsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ReplayOptionsError';
  }
}
