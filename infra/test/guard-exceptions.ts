/** Rules of AWS Control Tower (cfn-guard) that this topology does not follow, each with its reason. All others hold. */
export const GUARD_EXCEPTIONS: Readonly<Record<string, string>> = {
  alb_http_to_https_redirection_check:
    'An internal load balancer, which CloudFront alone reaches, as VPC origin; viewers get HTTPS from CloudFront.',
  cloudfront_access_logs_enabled_check:
    'Standard logs would hold ?token= of the plain wire contract; the load balancer logs without it.',
  cloudwatch_alarm_action_check: 'Burn-rate windows are halves of composite alarms; those have the action (asserted).',
  cloudwatch_log_group_retention_period_check:
    'A month, not a year: logs hold addresses, and privacy law asks for less.',
  cloudwatch_log_group_encrypted_check:
    'Encrypted with the key of CloudWatch Logs; bring a KMS key if your policy asks.',
  vpc_sg_open_only_to_authorized_ports_check:
    'A TURN server listens on 3478, 5349 and the relay range, a media node on the media range, for the world.',
  ec2_launch_template_public_ip_disabled_check:
    'A relay or a media node without a public address cannot serve callers.',
  autoscaling_multiple_az_check: 'It reads literal zone names only; subnets in every zone are asserted.',
  autoscaling_group_elb_healthcheck_required_check:
    'The load balancer carries TLS only; ECS watches the node, EC2 the instance.',
  autoscaling_mixed_instances_policy_multiple_instance_types_check:
    'Capacity is counted per node (nodeMbps): one type.',
  ecs_container_insights_enabled_check: "It knows 'enabled' only, and ours is 'enhanced'.",
  ecs_task_definition_nonroot_user_check: "The collector's image brings its own user; ours are asserted.",
  ecs_awsvpc_networking_enabled_check: 'A relay needs 16,384 host ports, a media node 20,000: host networking.',
  elbv2_logging_enabled_check:
    'The TLS balancer of TURN: addresses of callers and nothing else. The application load balancer logs, asserted.',
  kms_create_grant_aws_service_check: "CDK's default key policy gives the account, which IAM bounds.",
  lambda_function_public_access_prohibited_check:
    'It reads the principal secretsmanager.amazonaws.com as public; only this secret may call.',
  lambda_inside_vpc_check: 'They call AWS interfaces only, and hold nothing of the VPC.',
  s3_bucket_default_encryption_kms_check: 'Load balancer logs allow SSE-S3 only; the pages are public files.',
  s3_bucket_versioning_enabled_check: 'Logs are written once.',
  s3_bucket_logging_enabled_check: 'Read by CloudFront alone, or the log bucket itself.',
  s3_event_notifications_enabled_check:
    'Of the recordings alone a part waits for an event; the rule wants one of every bucket.',
  s3_bucket_object_lock_enabled_check: 'Releases replace files, and logs expire.',
};

/** The development profile, for trying out: what it leaves out besides, which production has. */
export const DEVELOPMENT_EXCEPTIONS: Readonly<Record<string, string>> = {
  cloudfront_custom_ssl_certificate_check: "No domain of one's own: CloudFront's name and certificate.",
  cloudfront_sni_enabled_check: 'As above; SNI is a setting of an own certificate.',
  cloudfront_security_policy_check: "As above; the default certificate's policy is fixed.",
  elbv2_deletion_protection_enabled_check: 'It is there to be destroyed again.',
  ecs_service_assign_public_ip_disabled_check: 'No NAT gateways, so tasks reach AWS by addresses of their own.',
};
