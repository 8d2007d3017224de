/** What ipset prints about what the kernel refuses (ipset_errcode). */
import type { SetFaultCode } from '../sets/set-fault.js';
import type { CommandName } from './command-line.js';

const MESSAGES: Readonly<Record<SetFaultCode, string | Partial<Record<CommandName, string>>>> = {
  syntax: 'Syntax error',
  'no-such-set': 'The set with the given name does not exist',
  'set-exists': 'Set cannot be created: set with the same name already exists',
  'no-such-type': 'Kernel error received: set type not supported',
  'too-many-sets': 'Kernel error received: maximal number of sets reached, cannot create more.',
  referenced: {
    destroy: 'Set cannot be destroyed: it is in use by a kernel component',
    rename: 'Set cannot be renamed: it is in use by another system',
  },
  'new-name-exists': {
    rename: 'Set cannot be renamed: a set with the new name already exists',
    swap: 'Sets cannot be swapped: the second set does not exist',
  },
  'type-mismatch': 'The sets cannot be swapped: their type does not match',
  exists: {
    add: "Element cannot be added to the set: it's already added",
    del: "Element cannot be deleted from the set: it's not added",
  },
  'invalid-cidr': 'The value of the CIDR parameter of the IP address is invalid',
  'invalid-netmask': 'The value of the netmask parameter is invalid',
  'invalid-markmask': 'The value of the markmask parameter is invalid',
  'invalid-family': 'Protocol family not supported by the set type',
  'netmask-and-bitmask': 'netmask and bitmask options are mutually exclusive, provide only one',
  'no-timeout-support': 'Timeout cannot be used: set was created without timeout support',
  'no-counter-support': 'Packet/byte counters cannot be used: set was created without counter support',
  'no-comment-support': 'Comment cannot be used: set was created without comment support',
  'no-skbinfo-support': 'Skbinfo mapping cannot be used: set was created without skbinfo support',
  protocol: 'Kernel error received: ipset protocol error',
  'hash-full': 'Hash is full, cannot add more elements',
  'hash-element': 'Null-valued element, cannot be stored in a hash type of set',
  'invalid-proto': 'Invalid protocol specified',
  'missing-proto': 'Protocol missing, but must be specified',
  'range-unsupported': 'Range is not supported in the "net" component of the element',
  'hash-range': 'Invalid range, covers the whole address space',
  'bitmap-range': 'Element is out of the range of the set',
  'bitmap-range-size': 'The range you specified exceeds the size limit of the set type',
  'list-name': 'Set to be added/deleted/tested as element does not exist.',
  'list-loop': 'Sets with list:set type cannot be added to the set.',
  'list-before': 'No reference set specified.',
  'list-nameref': "The set to which you referred with 'before' or 'after' does not exist.",
  'list-full': 'The set is full, more elements cannot be added.',
  'list-ref-exists': "The set to which you referred with 'before' or 'after' is not added to the set.",
  'out-of-range': 'The specified range is too large, split it up into smaller ranges',
  'invalid-argument': 'Kernel error received: Invalid argument',
  'no-memory': 'Kernel error received: Cannot allocate memory',
};

/** The message for CODE as the answer to COMMAND. */
export function kernelMessage(code: SetFaultCode, command: CommandName): string {
  const message = MESSAGES[code];
  return typeof message === 'string' ? message : (message[command] ?? `Kernel error received: ${code}`);
}
