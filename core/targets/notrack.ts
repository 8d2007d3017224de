/** `-j NOTRACK`: conntrack leaves the packet alone (xt_CT, the alias of its revision 2). */
import { Verdict } from '../hooks.js';
import { CtInfo, type Packet } from '../packet.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';

export const notrack: TargetExtension<null> = {
  name: 'NOTRACK',
  tables: ['raw'],
  terminates: false,
  options: [],

  listedName: 'CT',
  listed: listed(/NOTRACK/),

  parse: () => null,
  save: () => '',
  apply: (_, packet) => doNotTrack(packet),
  effect: () => 'packet',

  changesState: true,
};

/** Has conntrack leave PACKET alone, unless it has a connection already (xt_ct_target). */
export function doNotTrack(packet: Packet): Verdict {
  if (packet.ct < 0 && !packet.isAttached) packet.ctinfo = CtInfo.UNTRACKED;
  return Verdict.CONTINUE;
}
