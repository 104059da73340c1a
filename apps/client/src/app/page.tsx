import { Start } from '../features/start.tsx';

export default function Page() {
  return <Start />;
}
