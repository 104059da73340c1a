/** What an instance of a group runs at its first boot, as the instance gets it; references by name in `<>`. */
type Any = ReturnType<typeof JSON.parse>;

/** @param group logical id */
export function userDataOf(resources: Record<string, Any>, group: string): string {
  const { LaunchTemplateId } =
    resources[group].Properties.LaunchTemplate.LaunchTemplateSpecification ??
    resources[group].Properties.LaunchTemplate;
  const { UserData } = resources[LaunchTemplateId.Ref].Properties.LaunchTemplateData;
  return UserData['Fn::Base64']['Fn::Join'][1].map((part: Any) => (part.Ref ? `<${part.Ref}>` : part)).join('');
}
