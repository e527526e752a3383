<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Service;

use Drupal\Core\Entity\ContentEntityInterface;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\KeyValueStore\KeyValueFactoryInterface;
use Drupal\Core\Lock\LockBackendInterface;
use Drupal\flowdrop_airflow\Contract\RunEvent;
use Psr\Log\LoggerInterface;

/**
 * Keeps flowdrop_pipeline and flowdrop_job as Airflow says they are.
 *
 * Callbacks come in order for each run and at least once; the sequence number
 * of the last one applied makes repetitions harmless.
 */
final class RunMirror {

  public function __construct(
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly KeyValueFactoryInterface $keyValue,
    private readonly LockBackendInterface $lock,
    private readonly LoggerInterface $logger,
  ) {}

  /**
   * Applies a callback.
   *
   * @return bool
   *   FALSE when it had been applied before.
   *
   * @throws \RuntimeException
   *   Another callback of the same run is being applied; send it again.
   */
  public function apply(RunEvent $event): bool {
    $name = 'flowdrop_airflow:run:' . hash('sha256', $event->pipelineId);
    if (!$this->lock->acquire($name)) {
      throw new \RuntimeException('Another callback of this run is being applied.');
    }
    try {
      return $this->applyLocked($event);
    }
    finally {
      $this->lock->release($name);
    }
  }

  private function applyLocked(RunEvent $event): bool {
    $store = $this->keyValue->get('flowdrop_airflow.runs');
    $known = $store->get($event->pipelineId) ?: ['sequence' => 0, 'pipeline' => $event->drupalPipelineId, 'jobs' => []];
    if (!$event->isNews($known['sequence'])) {
      return FALSE;
    }
    $pipeline = $this->pipeline($known['pipeline'], $event);
    foreach ($event->jobs as $told) {
      $known['jobs'][$told['id']] = $this->job($known['jobs'][$told['id']] ?? NULL, $told, $pipeline);
    }
    $this->updatePipeline($pipeline, $event, $known['jobs']);
    $store->set($event->pipelineId, [
      'sequence' => $event->sequence,
      'pipeline' => (string) $pipeline->id(),
      'jobs' => $known['jobs'],
    ]);
    return TRUE;
  }

  private function pipeline(string $id, RunEvent $event): ContentEntityInterface {
    $storage = $this->entityTypes->getStorage('flowdrop_pipeline');
    $found = $id !== '' ? $storage->load($id) : NULL;
    if ($found instanceof ContentEntityInterface) {
      return $found;
    }
    // Started elsewhere: by a schedule, by Airflow's own screen, by another client.
    $made = $storage->create([
      'bundle' => 'default',
      'label' => $event->workflowId . ' ' . $event->pipelineId,
      'workflow_id' => $event->workflowId,
      'status' => 'pending',
    ]);
    $made->save();
    return $made;
  }

  private function job(?string $id, array $told, ContentEntityInterface $pipeline): string {
    $storage = $this->entityTypes->getStorage('flowdrop_job');
    $job = $id !== NULL ? $storage->load($id) : NULL;
    $job ??= $storage->create([
      'bundle' => 'default',
      'label' => mb_substr((string) ($told['label'] ?? $told['node_id']), 0, 255),
    ]);
    $metadata = [
      'node_id' => $told['node_id'],
      'node_type_id' => $told['node_type_id'] ?? '',
      'pipeline_id' => (string) $pipeline->id(),
      'airflow_status' => $told['status'],
    ];
    $values = [
      'status' => RunEvent::storedJobStatus($told['status']),
      'metadata' => json_encode($metadata, JSON_THROW_ON_ERROR),
      'started' => RunEvent::seconds($told['started'] ?? NULL),
      'completed' => RunEvent::seconds($told['completed'] ?? NULL),
      'error_message' => $told['error_message'] ?? NULL,
    ];
    foreach (['input_data', 'output_data'] as $name) {
      if (isset($told[$name])) {
        $values[$name] = json_encode($told[$name], JSON_THROW_ON_ERROR | JSON_PARTIAL_OUTPUT_ON_ERROR);
      }
    }
    $this->set($job, $values);
    $job->save();
    return (string) $job->id();
  }

  private function updatePipeline(ContentEntityInterface $pipeline, RunEvent $event, array $jobs): void {
    $error = $event->run['error'] ?? NULL;
    $outputs = $event->run['outputs'] ?? NULL;
    $this->set($pipeline, [
      'status' => $event->pipelineStatus(),
      'job_id' => array_values($jobs),
      'started' => RunEvent::seconds($event->run['started'] ?? NULL),
      'completed' => RunEvent::seconds($event->run['completed'] ?? NULL),
      'error_message' => is_array($error) ? (string) ($error['message'] ?? '') : NULL,
    ] + (is_array($outputs) ? ['output_data' => json_encode($outputs, JSON_PARTIAL_OUTPUT_ON_ERROR)] : []));
    $pipeline->save();
    if ($event->isFinal()) {
      $this->logger->info('Run @run of workflow @workflow ended: @status.', [
        '@run' => $event->pipelineId,
        '@workflow' => $event->workflowId,
        '@status' => $event->run['status'],
      ]);
    }
  }

  private function set(ContentEntityInterface $entity, array $values): void {
    foreach ($values as $name => $value) {
      // Fields differ between FlowDrop's releases.
      if ($entity->hasField($name)) {
        $entity->set($name, $value);
      }
    }
  }

}
