import { readRecognizers } from '@tandem/captions/config';
import { Duration, Token } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { check, checkInteger } from './check.ts';
import { checkProps } from './check-props.ts';
import { checkPinned } from './image-reference.ts';
import { metricIdentity } from './metric-identity.ts';
import { COLLECTOR_CPU, COLLECTOR_MIB } from './metrics-collector.ts';
import { RealtimeService } from './realtime-service.ts';
import type { TaskServiceProps } from './realtime-service-props.ts';
import { withSettings } from './with-settings.ts';

/** Memory of our own container beside a recognizer, MiB: it keeps two seconds of sound a microphone, 64 KB. */
const APP_MIB = 512;
/** CPU units of our own container beside a recognizer: it only passes sound on. The least task of Fargate has 256. */
const APP_CPU = 128;
/** Microphones of a task with a recognizer in it: five a processor, an estimate. */
const SPEAKERS = 10;

/** Properties of {@link CaptionsService}. */
export interface CaptionsServiceProps extends TaskServiceProps {
  /** Where auth publishes its keys, such as `http://auth.tandem.internal:8081/.well-known/jwks.json`. */
  readonly jwksUrl: string;
  /**
   * Image of a recognizer that speaks the WebSocket protocol of vosk-server, a second container of each task. Such as `alphacep/kaldi-en`, by a digest of
   * yours: its tag may be another program tomorrow. That one is for x86-64 alone, as tasks of captions are unless `cpuArchitecture` says another.
   * @default - none; needed without `recognizers`
   */
  readonly recognizerImage?: ecs.ContainerImage;
  /**
   * Language of `recognizerImage`, as browsers name it (BCP 47).
   * @default 'en'
   */
  readonly language?: string;
  /**
   * Recognizers elsewhere, address by language: `{ de: 'wss://speech.example.org/de' }`. The security group lets out HTTPS alone; other ports you allow.
   * @default - none; needed without `recognizerImage`
   */
  readonly recognizers?: { readonly [name: string]: string };
  /**
   * Origins whose pages may connect, comma-separated: `webClient.origin`. {@link Edge.addService} wants it, as a service behind CloudFront gets the load balancer's
   * name as Host (CloudFront guide, "Use managed origin request policies", AllViewerExceptHostHeader).
   * @default - pages of the host that a request names
   */
  readonly allowedOrigins?: string;
  /**
   * How many proxies in front append to X-Forwarded-For.
   * @default 2 - CloudFront and the load balancer
   */
  readonly trustedProxies?: number;
  /**
   * Microphones of a task at once; more are asked to come back.
   * @default - 10 with a recognizer in the task, an estimate; else 50
   */
  readonly maxSpeakers?: number;
}

/**
 * Captions for browsers that recognize no speech, on Fargate: passes one microphone to a recognizer, and its words back. It has no state and no secret.
 *
 * The recognizer is a container of the task that the service reaches on loopback, without root, on a read-only root. It shares the task's network, so what it may
 * reach is what the security group lets out: HTTPS, for the images and logs of AWS. Let the task out to auth as well, unless `jwksUrl` is https:
 * `captions.connections.allowToDefaultPort(auth)`.
 */
export class CaptionsService extends RealtimeService {
  /** Languages that it recognizes: `captionLanguages` of the page's settings. */
  readonly languages: string[];
  /** The recognizer's container; undefined where all are elsewhere. */
  readonly recognizer?: ecs.ContainerDefinition;

  constructor(scope: Construct, id: string, props: CaptionsServiceProps) {
    checkCaptions(props);
    const recognizers = recognizersOf(props);
    const sized = sizesOf(props);
    const settings = { MAX_SPEAKERS: props.maxSpeakers ?? (props.recognizerImage ? SPEAKERS : undefined) };
    const [appCpu, appMiB] = props.recognizerImage ? [APP_CPU, APP_MIB] : [];
    super(
      scope,
      id,
      'CaptionsService',
      'captions',
      topology.captions,
      withSettings(sized, settings),
      {
        from: {
          'jwks-url': props.jwksUrl,
          recognizers,
          'public-origin': props.allowedOrigins,
          'trusted-proxies': String(props.trustedProxies ?? 2),
        },
        secrets: {},
      },
      appCpu,
      appMiB,
    );
    this.languages = captionLanguages(props);
    if (props.recognizerImage) this.recognizer = this.addRecognizer(props.recognizerImage, sized);
    this.connections.allowToAnyIpv4(ec2.Port.tcp(443), 'Images and logs of AWS; recognizers elsewhere');
  }

  private addRecognizer(image: ecs.ContainerImage, sized: ReturnType<typeof sizesOf>): ecs.ContainerDefinition {
    const logGroup = new logs.LogGroup(this, 'RecognizerLogs', {
      retention: sized.logRetention ?? logs.RetentionDays.ONE_MONTH,
    });
    const hasCollector = sized.metrics ?? true;
    const container = this.taskDefinition.addContainer('recognizer', {
      image,
      // A task whose recognizer does not come back is replaced; so a deployment whose recognizer does not start is taken back.
      essential: true,
      enableRestartPolicy: true,
      restartAttemptPeriod: Duration.minutes(1),
      cpu: sized.cpu - APP_CPU - (hasCollector ? COLLECTOR_CPU : 0),
      memoryLimitMiB: sized.memoryLimitMiB - APP_MIB - (hasCollector ? COLLECTOR_MIB : 0),
      user: '10001:10001',
      readonlyRootFilesystem: true,
      environment: { VOSK_SERVER_INTERFACE: '127.0.0.1', VOSK_SERVER_PORT: String(topology.recognizer.port) },
      linuxParameters: new ecs.LinuxParameters(this, 'RecognizerLinux', { initProcessEnabled: true }),
      logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: 'recognizer', mode: ecs.AwsLogDriverMode.NON_BLOCKING }),
    });
    checkPinned(this, 'CaptionsService', 'recognizerImage', container.imageName);
    return container;
  }

  /** Microphones that are recognized, all tasks. */
  metricSpeakers(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_captions_speakers', { statistic: 'Sum', ...props });
  }

  /** Languages whose recognizer did not answer a task when it was last asked; of the task that has most. */
  metricRecognizersAway(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_captions_recognizers_away', { statistic: 'Maximum', ...props });
  }

  /** Captions passed to the pages of their speakers. */
  metricTexts(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_captions_texts_total', { statistic: 'Sum', ...props });
  }

  /** Bytes of sound that went to no recognizer: it was slow. */
  metricDropped(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_captions_dropped_bytes_total', { statistic: 'Sum', ...props });
  }

  /** Microphones that were refused as the tasks have as many as they may. */
  metricShed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_captions_refused_total', {
      statistic: 'Sum',
      dimensionsMap: { ...metricIdentity(this, this.serviceName), reason: 'connections' },
      ...props,
    });
  }
}

function checkCaptions(props: CaptionsServiceProps): void {
  const kind = 'CaptionsService';
  checkProps(kind, 'CaptionsServiceProps', props);
  check(
    Token.isUnresolved(props.jwksUrl) ||
      (URL.canParse(props.jwksUrl) && /^https?:$/.test(new URL(props.jwksUrl).protocol)),
    kind,
    'jwksUrl',
    `"${props.jwksUrl}" is no http or https URL`,
    'where auth publishes its keys, such as https://calls.example.com/.well-known/jwks.json',
  );
  check(
    props.recognizerImage !== undefined || props.language === undefined,
    kind,
    'language',
    'it is that of recognizerImage, and there is none',
    'name languages in recognizers',
  );
  checkInteger(kind, 'trustedProxies', props.trustedProxies, 0, 10);
  checkInteger(kind, 'maxSpeakers', props.maxSpeakers, 1, 10_000);
  checkInteger(kind, 'memoryLimitMiB', props.recognizerImage && props.memoryLimitMiB, 2048, 122_880);
}

/** What recognizes speech, of a service or of a whole topology. */
type Recognizers = Pick<CaptionsServiceProps, 'language' | 'recognizerImage' | 'recognizers'>;

/** Languages that are recognized. @throws Error as the service does */
export function captionLanguages(of: Recognizers): string[] {
  return [...readRecognizers(recognizersOf(of)).keys()];
}

/** CAPTIONS_RECOGNIZERS. @throws Error naming the property and the fix */
function recognizersOf({ language = 'en', recognizerImage, recognizers = {} }: Recognizers): string {
  check(
    recognizerImage !== undefined || Object.keys(recognizers).length > 0,
    'CaptionsService',
    'recognizerImage',
    'there is nothing that recognizes speech',
    'an image for each task, or addresses in recognizers',
  );
  const text = [
    ...(recognizerImage ? [`${language}=ws://127.0.0.1:${topology.recognizer.port}`] : []),
    ...Object.entries(recognizers).map((one) => one.join('=')),
  ].join(',');
  try {
    readRecognizers(text);
  } catch {
    check(
      false,
      'CaptionsService',
      recognizerImage && Object.keys(recognizers).length === 0 ? 'language' : 'recognizers',
      'they are no languages with the addresses of their recognizers',
      "each language once, with a ws:// or wss:// address: { de: 'wss://speech.example.org/de' }",
    );
  }
  return text;
}

/** The maker of alphacep/kaldi-en asks for 16 GB: https://github.com/alphacep/vosk-asterisk/issues/29. */
function sizesOf(props: CaptionsServiceProps) {
  const inTask = props.recognizerImage !== undefined;
  return {
    ...props,
    cpu: props.cpu ?? (inTask ? 2048 : 256),
    memoryLimitMiB: props.memoryLimitMiB ?? (inTask ? 16_384 : 512),
    // As alphacep/kaldi-en is, and the image that our pipeline builds for beside it.
    cpuArchitecture: props.cpuArchitecture ?? ecs.CpuArchitecture.X86_64,
    minTasks: props.minTasks ?? 2,
    // A session has nothing to finish: pages come back to another task.
    stopTimeout: props.stopTimeout ?? Duration.seconds(30),
  };
}
