/** libpcap itself, asked which packets of a file a filter chooses, as `tcpdump -r FILE FILTER` asks it. */
import koffi from 'koffi';
import type { Choice } from '../../filter/filter-case.js';

const ERROR_BYTES = 256;

/** The version whose choices are the definition. Others differ in details, such as what `ip multicast` is. */
export const JUDGE = '1.10.3';

export interface Libpcap {
  /** `1.10.3` */
  readonly version: string;
  /** Which of the packets in the file PATH the filter TEXT chooses. */
  choose(path: string, text: string, isOptimized: boolean): Choice;
}

/** libpcap of this machine; undefined if it has none. */
export function loadLibpcap(): Libpcap | undefined {
  let library: ReturnType<typeof koffi.load>;
  try {
    library = koffi.load('libpcap.so.0.8');
  } catch {
    return undefined;
  }
  koffi.struct('bpf_program', { count: 'uint', instructions: 'void *' });
  const openOffline = library.func('void *pcap_open_offline(const char *path, void *error)');
  const close = library.func('void pcap_close(void *pcap)');
  const compile = library.func(
    'int pcap_compile(void *pcap, _Out_ bpf_program *program, const char *text, int optimize, uint netmask)',
  );
  const free = library.func('void pcap_freecode(bpf_program *program)');
  const getError = library.func('const char *pcap_geterr(void *pcap)');
  const next = library.func('int pcap_next_ex(void *pcap, _Out_ void **header, _Out_ void **data)');
  const filter = library.func('int pcap_offline_filter(bpf_program *program, void *header, void *data)');
  const getVersion = library.func('const char *pcap_lib_version()');
  return {
    version: /version (\S+)/.exec(getVersion())?.[1] ?? 'unknown',
    choose(path, text, isOptimized) {
      const error = Buffer.alloc(ERROR_BYTES);
      const pcap = openOffline(path, error);
      if (pcap === null) throw new Error(`${path}: ${error.toString('utf8').replace(/\0.*/s, '')}`);
      const program = {} as { count: number; instructions: unknown };
      try {
        if (compile(pcap, program, text, isOptimized ? 1 : 0, 0) !== 0) return { refused: getError(pcap) };
        const header = [null];
        const data = [null];
        const chosen: boolean[] = [];
        while (next(pcap, header, data) === 1) chosen.push(filter(program, header[0], data[0]) !== 0);
        free(program);
        return { chosen };
      } finally {
        close(pcap);
      }
    },
  };
}
