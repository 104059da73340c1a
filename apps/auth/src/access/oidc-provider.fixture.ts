/** A real OpenID provider as a process of its own, for oidc.test.ts: logs in the user named in `login_hint`. */
import Provider from 'oidc-provider';

const ODD: unknown[] = [{}, { toString: 'x' }, [], [{ toString: 1 }], null, 7, true, '', 'x'.repeat(1000), { $gt: '' }];
const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: ['app', 'other'].map((client_id) => ({
    client_id,
    redirect_uris: ['https://app.example/callback'],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  })),
  pkce: { required: () => false },
  conformIdTokenClaims: false,
  claims: { openid: ['sub', 'name', 'tandem_grants', 'token_use', 'azp'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, sub) => ({
    accountId: sub,
    claims: () => ({
      sub,
      name: `Name of ${sub}`,
      ...(sub === 'mod' ? { tandem_grants: '{"kick":true}' } : {}),
      // Values of any shape in `azp`, in the order of the test.
      ...(sub.startsWith('azp-') ? { azp: ODD[Number(sub.slice(4))] } : {}),
      // As Cognito marks its tokens: `use-id`, `use-access`.
      ...(sub.startsWith('use-') ? { token_use: sub.slice(4) } : {}),
    }),
  }),
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({
      ...(ctx.oidc.client ? { clientId: ctx.oidc.client.clientId } : {}),
      ...(ctx.oidc.session?.accountId ? { accountId: ctx.oidc.session.accountId } : {}),
    });
    grant.addOIDCScope('openid');
    await grant.save();
    return grant;
  },
});
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  const { params } = await provider.interactionDetails(ctx.req, ctx.res);
  await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: String(params.login_hint) } });
  ctx.respond = false;
});
provider.listen(port, '127.0.0.1', () => console.log('listening'));
