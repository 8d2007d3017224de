/** In which ways two hosts can treat a packet differently: a closed list, part of the public interface. */

export const DIFFERENCE_KINDS = {
  'newly-dropped': 'let through before; now dropped, or rejected with an answer',
  'newly-accepted': 'dropped or rejected before; now let through',
  'translated-differently': 'let through by both, with other addresses or ports',
  'routed-differently': 'let through by both, but by another interface, to another next hop, or to the host itself',
  'changed-differently': 'let through by both to the same place, with other bytes (TTL, TOS, MSS), pieces or copies',
  'answered-differently': 'let through by neither, but dropped by one and rejected by the other, or answered otherwise',
  'arriving-differently': 'reaches only one of the two hosts',
  'decided-differently': 'treated alike, but because of a rule that means something else; told only if asked for',
} as const;

export type DifferenceKind = keyof typeof DIFFERENCE_KINDS;

export const KIND_NAMES = Object.keys(DIFFERENCE_KINDS) as DifferenceKind[];
