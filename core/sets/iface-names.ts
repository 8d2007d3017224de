/** hot: the numbers of interface names in keys, the same for all sets of a host. 0 is no name. */
export class IfaceNames {
  readonly #names: string[] = [''];
  readonly #numbers = new Map<string, number>();
  /** By the interface's index. */
  #ofDevices: readonly number[] = [];

  constructor(devices: readonly string[]) {
    this.useInterfaces(devices);
  }

  /** From now on, the host has the interfaces DEVICES. */
  useInterfaces(devices: readonly string[]): void {
    this.#ofDevices = devices.map((name) => this.number(name));
  }

  number(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#names.push(name) - 1;
      this.#numbers.set(name, number);
    }
    return number;
  }

  name(number: number): string {
    return this.#names[number];
  }

  /** The number for the interface with index DEVICE; 0 for -1. */
  ofDevice(device: number): number {
    return device < 0 ? 0 : this.#ofDevices[device];
  }

  /** Whether the name of an element is SOUGHT, or with a wildcard, what it starts with. */
  covers(number: number, isWildcard: boolean, sought: number): boolean {
    return number === sought || (isWildcard && this.#names[sought].startsWith(this.#names[number]));
  }
}
