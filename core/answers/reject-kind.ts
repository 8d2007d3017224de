/** The answers of REJECT, named after the `--reject-with` options without `icmp-`. */
export type RejectKind =
  | 'net-unreachable'
  | 'host-unreachable'
  | 'proto-unreachable'
  | 'port-unreachable'
  | 'net-prohibited'
  | 'host-prohibited'
  | 'admin-prohibited'
  | 'tcp-reset';
