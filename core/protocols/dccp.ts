/** DCCP (RFC 4340). Linux no longer tracks it; only `conntrack -L` still knows it, and prints ports that are 0. */
import { IPPROTO_DCCP } from '../../codecs/layouts.js';
import { generic } from './generic.js';

export const dccp = { ...generic, number: IPPROTO_DCCP, name: 'dccp', listedTuple: 'ports' } as const;
