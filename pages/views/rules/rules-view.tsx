import type { ViewProps } from '../../selection.js';
import './rules-view.css';

export function RulesView({ result }: ViewProps) {
  return <p>{result.index.name}</p>;
}
