/** What the kernel or ipset refuses about sets. */

/** The kernel's reasons (IPSET_ERR_* and errno), and `syntax`: a word that ipset itself does not take. */
export type SetFaultCode =
  | 'syntax'
  | 'no-such-set'
  | 'set-exists'
  | 'no-such-type'
  | 'too-many-sets'
  | 'referenced'
  | 'new-name-exists'
  | 'type-mismatch'
  | 'exists'
  | 'invalid-cidr'
  | 'invalid-netmask'
  | 'invalid-markmask'
  | 'invalid-family'
  | 'netmask-and-bitmask'
  | 'no-timeout-support'
  | 'no-counter-support'
  | 'no-comment-support'
  | 'no-skbinfo-support'
  | 'protocol'
  | 'hash-full'
  | 'hash-element'
  | 'invalid-proto'
  | 'missing-proto'
  | 'range-unsupported'
  | 'hash-range'
  | 'bitmap-range'
  | 'bitmap-range-size'
  | 'list-name'
  | 'list-loop'
  | 'list-before'
  | 'list-nameref'
  | 'list-full'
  | 'list-ref-exists'
  | 'out-of-range'
  | 'invalid-argument'
  | 'no-memory';

/** A refusal. `message` says the same in words; what the real tool prints about CODE is up to the command. */
export class SetFault extends Error {
  readonly code: SetFaultCode;

  constructor(code: SetFaultCode, message: string = code) {
    super(message);
    this.name = 'SetFault';
    this.code = code;
  }
}
