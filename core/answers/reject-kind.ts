/** What REJECT answers with, named as its `--reject-with` option without `icmp-`. */
export type RejectKind =
  | 'net-unreachable'
  | 'host-unreachable'
  | 'proto-unreachable'
  | 'port-unreachable'
  | 'net-prohibited'
  | 'host-prohibited'
  | 'admin-prohibited'
  | 'tcp-reset';
