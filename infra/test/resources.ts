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
