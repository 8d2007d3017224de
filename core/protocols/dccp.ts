/**
 * DCCP (RFC 4340). Linux no longer tracks it, but `conntrack -L` still knows the protocol and prints its ports as 0.
 */
import { IPPROTO_DCCP } from '../../codecs/layouts.js';
import { generic } from './generic.js';

export const dccp = { ...generic, number: IPPROTO_DCCP, name: 'dccp', listedTuple: 'ports' } as const;
