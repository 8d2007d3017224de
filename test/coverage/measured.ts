/** Which tests count for the coverage. */

/** Parts of their names: those that run code of core/ and codecs/; others run the same, only slower. */
export const MEASURED = [
  ...['answers/', 'codecs/', 'conntrack/', 'filter/', 'flow/', 'fragments/', 'golden/', 'host/', 'link/', 'memory/'],
  ...[
    'nat/',
    'offload/',
    'ipset/',
    'protocols/',
    'recorded/',
    'replay/',
    'rules/',
    'sentence/',
    'sets/',
    'matches/',
    'targets/',
    'explain/',
    'evidence/',
    'expectation/',
    'shrink/',
    'share/',
    'docker/',
    'doctor/',
    'docker/',
    'library/library',
    'library/public',
    'cli/replay',
    'cli/report',
    'cli/save',
  ],
];
