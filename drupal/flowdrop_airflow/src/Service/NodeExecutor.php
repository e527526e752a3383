<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Service;

use Drupal\Component\Plugin\PluginManagerInterface;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\Session\AccountSwitcherInterface;
use Drupal\flowdrop\DTO\ParameterBag;
use Drupal\flowdrop_airflow\Contract\NodeReply;
use Drupal\flowdrop_airflow\Contract\NodeRequest;
use Psr\Log\LoggerInterface;

/**
 * Runs one node here, as the user of the settings.
 */
final class NodeExecutor {

  /**
   * The interface of exceptions that say "later".
   */
  private const RETRYABLE = 'Drupal\flowdrop\Exception\RetryableExceptionInterface';

  public function __construct(
    private readonly PluginManagerInterface $processors,
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly AccountSwitcherInterface $accounts,
    private readonly AirflowSettings $settings,
    private readonly LoggerInterface $logger,
  ) {}

  /**
   * Returns the reply for a request.
   *
   * @return array<string, mixed>
   *   A body of NodeReply.
   */
  public function execute(NodeRequest $request): array {
    if (!$request->allowedBy($this->settings->allowedProcessors())) {
      $message = sprintf('This site does not let Airflow run "%s".', $request->processor);
      return NodeReply::error('processor_not_allowed', $message);
    }
    if (!$this->processors->hasDefinition($request->pluginId())) {
      return NodeReply::error('processor_missing', sprintf('Drupal has no processor "%s".', $request->processor));
    }
    $account = $this->entityTypes->getStorage('user')->load($this->settings->runAs());
    if ($account === NULL || !$account->isActive() || (int) $account->id() === 0) {
      return NodeReply::error('no_account', 'The settings name no active user as whom nodes may run.');
    }
    $this->accounts->switchTo($account);
    try {
      return $this->run($request);
    }
    finally {
      $this->accounts->switchBack();
    }
  }

  private function run(NodeRequest $request): array {
    try {
      $processor = $this->processors->createInstance($request->pluginId(), $request->config);
      $output = $processor->execute(new ParameterBag($request->parameters + $request->inputs));
      return NodeReply::success(is_array($output) ? $output : $output->toArray());
    }
    catch (\Throwable $error) {
      $this->logger->error('Node @node of workflow @workflow failed: @message', [
        '@node' => $request->nodeId,
        '@workflow' => $request->workflowId,
        '@message' => $error->getMessage(),
      ]);
      $code = strtolower((new \ReflectionClass($error))->getShortName());
      return NodeReply::error($code, $error->getMessage(), is_a($error, self::RETRYABLE));
    }
  }

}
