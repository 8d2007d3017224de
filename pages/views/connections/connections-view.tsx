import type { ViewProps } from '../../selection.js';
import './connections-view.css';

export function ConnectionsView({ result }: ViewProps) {
  return <p>{result.index.name}</p>;
}
