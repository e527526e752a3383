<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Plugin\Orchestrator;

use Drupal\Core\Plugin\ContainerFactoryPluginInterface;
use Drupal\Core\StringTranslation\TranslatableMarkup;
use Drupal\flowdrop_airflow\Contract\StartRequest;
use Drupal\flowdrop_airflow\Service\AirflowClient;
use Drupal\flowdrop_orchestration\Attribute\Orchestrator;
use Drupal\flowdrop_orchestration\DTO\Orchestrator\OrchestrationRequest;
use Drupal\flowdrop_orchestration\DTO\Orchestrator\OrchestrationResponse;
use Drupal\flowdrop_orchestration\Plugin\Orchestrator\OrchestratorPluginBase;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Runs workflows on Airflow.
 *
 * A start is one call and returns at once with status "queued"; what happens
 * then arrives by callbacks, which RunMirror writes into the pipeline.
 */
#[Orchestrator(
  id: 'flowdrop_airflow:airflow',
  label: new TranslatableMarkup('Airflow'),
  description: new TranslatableMarkup('Runs the workflow on Apache Airflow.'),
  capabilities: ['async_execution', 'parallel_execution', 'pipeline_based', 'job_tracking'],
)]
final class AirflowOrchestrator extends OrchestratorPluginBase implements ContainerFactoryPluginInterface {

  public function __construct(
    array $configuration,
    string $plugin_id,
    mixed $plugin_definition,
    private readonly AirflowClient $client,
  ) {
    parent::__construct($configuration, $plugin_id, $plugin_definition);
  }

  /**
   * {@inheritdoc}
   */
  public static function create(
    ContainerInterface $container,
    array $configuration,
    $plugin_id,
    $plugin_definition,
  ): self {
    return new self($configuration, $plugin_id, $plugin_definition, $container->get('flowdrop_airflow.client'));
  }

  /**
   * {@inheritdoc}
   */
  public function getType(): string {
    return 'flowdrop_airflow:airflow';
  }

  /**
   * {@inheritdoc}
   */
  public function orchestrate(OrchestrationRequest $request): OrchestrationResponse {
    $begin = microtime(TRUE);
    $data = $request->getInitialData();
    // A pipeline is one run; an event that names itself starts one, however
    // often it comes.
    $event = $data['event_id'] ?? 'pipeline:' . $request->getPipelineId();
    $start = StartRequest::of($request->getWorkflowId(), $data, (string) $event, $request->getPipelineId());
    $started = $this->client->start($start);
    return new OrchestrationResponse(
      (string) $started['pipeline_id'],
      'queued',
      [],
      microtime(TRUE) - $begin,
      ['orchestrator_type' => $this->getType(), 'dag_id' => $started['dag_id'], 'run_id' => $started['run_id']],
    );
  }

  /**
   * Returns the status of a run in FlowDrop's words.
   */
  public function status(string $executionId): string {
    return (string) ($this->client->pipeline($executionId)['status'] ?? 'pending');
  }

  /**
   * Stops a run; Airflow ends its tasks and announces it by a callback.
   */
  public function cancel(string $executionId): void {
    $this->client->cancel($executionId);
  }

  /**
   * {@inheritdoc}
   */
  public function supportsWorkflow(array $workflow): bool {
    return ($workflow['nodes'] ?? []) !== [];
  }

}
