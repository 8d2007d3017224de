import type { ViewProps } from '../../selection.js';
import './host-view.css';

export function HostView({ result }: ViewProps) {
  return <p>{result.index.name}</p>;
}
