/** What commands that people type do to a Docker host, parsed. */
import type { Word } from '../../codecs/iptables-save.js';
import type { ContainerSpec, DaemonOptions, EndpointSpec, NetworkSpec } from '../model.js';

/** A compose project: what `docker compose up` makes. */
export interface ComposeProject {
  /** Which names of containers and networks start with. */
  readonly name: string;
  /** In the order in which compose makes them. `isExternal`: it has to be there already. */
  readonly networks: readonly ComposeNetwork[];
  /** In the order in which compose starts them. */
  readonly services: readonly ComposeService[];
  /** What of the file was not understood and does not matter for packets, or what was assumed; for people. */
  readonly notes: readonly string[];
  /** What besides its files decided about it; for people. */
  readonly assumed?: readonly string[];
}

export interface ComposeNetwork {
  readonly spec: NetworkSpec;
  readonly isExternal: boolean;
}

export interface ComposeService {
  readonly name: string;
  /** One for each of its replicas. */
  readonly containers: readonly (ContainerSpec & { readonly name: string })[];
}

type Containers = { readonly containers: readonly string[] };

export type DockerAction =
  /** `dockerd OPTIONS`: the engine starts with these. */
  | { readonly kind: 'dockerd'; readonly options: Partial<DaemonOptions> }
  | { readonly kind: 'network create'; readonly spec: NetworkSpec }
  | { readonly kind: 'network connect'; readonly container: string; readonly endpoint: EndpointSpec }
  | { readonly kind: 'network disconnect'; readonly network: string; readonly container: string }
  | { readonly kind: 'network rm'; readonly networks: readonly string[] }
  | { readonly kind: 'network prune' }
  | { readonly kind: 'create' | 'run'; readonly spec: ContainerSpec }
  | ({ readonly kind: 'start' | 'stop' | 'restart' | 'kill' } & Containers)
  | ({ readonly kind: 'rm'; readonly isForced: boolean } & Containers)
  | { readonly kind: 'compose up'; readonly project: ComposeProject; readonly removesOrphans: boolean }
  | {
      readonly kind: 'compose stop' | 'compose start' | 'compose restart' | 'compose down';
      readonly project: ComposeProject;
    };

/** What a service is asked for; `save` only that of iptables. */
export type ServiceVerb = 'start' | 'stop' | 'restart' | 'reload' | 'save';

/** What other programs do to the host. */
export type HostAction =
  | { readonly kind: 'iptables' | 'ipset'; readonly words: readonly Word[] }
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: number }
  /** systemctl and service. */
  | {
      readonly kind: 'service';
      readonly service: 'docker' | 'iptables';
      readonly does: ServiceVerb;
    }
  | { readonly kind: 'reload'; readonly tool: 'firewalld' | 'ufw' };

export interface Command {
  readonly action: DockerAction | HostAction;
  /** All of its words. */
  readonly words: readonly Word[];
  /** The file, or `--at 10s`. */
  readonly file: string;
  /** What of it does not count, or was assumed; for people. */
  readonly notes: readonly string[];
}
