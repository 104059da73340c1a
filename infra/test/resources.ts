/** Resources of a synthesized topology, by type and part. */
import type { Synthesized } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
interface Resource {
  readonly id: string;
  readonly properties: Any;
  readonly whole: Any;
}

/** @param usual the topology that is read where none is named */
export function resourcesOf(usual: Synthesized) {
  const all = (type: string, of = usual): Resource[] =>
    Object.entries<Any>((of.template as Any).Resources)
      .filter(([, one]) => one.Type === type)
      .map(([id, whole]) => ({ id, properties: whole.Properties ?? {}, whole }));
  const only = (type: string, found: readonly Resource[]): Resource => {
    const [first, ...more] = found;
    if (!first || more.length > 0) throw new Error(`${type}: ${more.length + Number(!!first)} of them`);
    return first;
  };
  return {
    all,
    /** @throws Error when there is not exactly one */
    one: (type: string, of = usual) => only(type, all(type, of)),
    /** The one of the TURN fleet or of the media nodes. */
    oneOf: (part: 'Turn' | 'Media', type: string) =>
      only(
        type,
        all(type).filter(({ id }) => id.startsWith(`Topology${part}`)),
      ),
    /** Definition of a container, by its name and the id of its task. */
    container: (id: RegExp, name: string, of = usual): Any =>
      all('AWS::ECS::TaskDefinition', of)
        .find((task) => id.test(task.id))
        ?.properties.ContainerDefinitions.find((c: Any) => c.Name === name),
  };
}

/** Names of resources that this value refers to: Ref, Fn::GetAtt, Fn::Sub, DependsOn. */
function refersTo(value: unknown, key = ''): string[] {
  if (typeof value === 'string') {
    if (key === 'Ref' || key === 'DependsOn') return [value];
    if (key === 'Fn::GetAtt') return [value.split('.')[0] ?? ''];
    if (key === 'Fn::Sub') return [...value.matchAll(/\$\{(\w+)/g)].map(([, name]) => name ?? '');
    return [];
  }
  if (Array.isArray(value)) {
    if (key === 'Fn::GetAtt') return refersTo(value[0], 'Ref');
    if (key === 'Fn::Sub') return [...refersTo(value[0], 'Fn::Sub'), ...refersTo(value[1])];
    return value.flatMap((one) => refersTo(one, key === 'DependsOn' ? key : ''));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => refersTo(one, name));
}

/** The first circle of references among the resources of a template, from a name back to it; none: empty. */
export function circleIn(resources: Readonly<Record<string, unknown>>): string[] {
  const done = new Set<string>();
  const walk = (name: string, way: readonly string[]): string[] => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
    if (done.has(name) || !(name in resources)) return [];
    for (const next of new Set(refersTo(resources[name]))) {
      const circle = walk(next, [...way, name]);
      if (circle.length > 0) return circle;
    }
    done.add(name);
    return [];
  };
  for (const name of Object.keys(resources)) {
    const circle = walk(name, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

/** Everything that CloudFormation creates and updates before this resource: it waits for what is referred to (User Guide, "DependsOn attribute"). */
export function waitsFor(resources: Readonly<Record<string, unknown>>, name: string): Set<string> {
  const found = new Set<string>();
  const walk = (one: string): void => {
    for (const next of refersTo(resources[one]))
      if (next in resources && !found.has(next)) {
        found.add(next);
        walk(next);
      }
  };
  walk(name);
  return found;
}
