/** The connection table is full. */
import { counted } from '../../../codecs/text.js';
import { sysctlCommand } from '../../command.js';
import type { Check } from '../check.js';
import { Evidence } from '../evidence.js';
import { packetText } from '../words.js';

const CODE = 'table-full';
const SYSCTL = 'net.netfilter.nf_conntrack_max';

export const TABLE_FULL: Check = {
  code: CODE,
  needs: ['captures'],
  begin({ host }) {
    const evidence = new Evidence<undefined>();
    return {
      follow(record) {
        if (record.dropped?.cause.reason === 'conntrack-full') evidence.note('', record, undefined);
      },
      findings: () =>
        evidence.all.map(({ first, packets }) => {
          const max = host.sysctls.global(SYSCTL);
          return {
            message:
              `${packetText(first)} opens no connection: the table is full ` +
              `(${counted(max, 'entry', 'entries')}; nf_conntrack: table full, dropping packet)`,
            rules: [],
            packets,
            change:
              `${sysctlCommand(SYSCTL, max * 2)}, and look for what opens so many connections or keeps them so ` +
              'long',
          };
        }),
    };
  },
};
