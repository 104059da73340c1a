import { Diagnostics } from '../../features/diagnostics/diagnostics.tsx';

export default function DiagnosticsPage() {
  return <Diagnostics />;
}
