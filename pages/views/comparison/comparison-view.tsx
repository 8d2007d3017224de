import type { ViewProps } from '../../selection.js';
import './comparison-view.css';

export function ComparisonView({ result }: ViewProps) {
  return <p>{result.index.name}</p>;
}
